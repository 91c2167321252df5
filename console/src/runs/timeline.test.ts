import { describe, expect, test } from 'vitest'
import type { Attempt } from '../client/model/attempt.ts'
import { timelineOf } from './timeline.ts'

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 31, 5) + seconds * 1_000).toISOString()
const attempt = (
  n: number,
  from: number,
  to: number | null,
  phases: readonly (readonly [string, number])[],
): Attempt => ({
  n,
  worker: 'w',
  startedAt: at(from),
  heartbeatAt: at(from),
  finishedAt: to === null ? null : at(to),
  outcome: to === null ? null : 'succeeded',
  error: null,
  phase: to === null ? { name: 'load', rows: 1, rowsExpected: null, bytes: 1 } : null,
  phases: phases.map(([name, seconds]) => ({ name, rows: 0, rowsExpected: null, bytes: 0, seconds })),
})

describe('the timeline of a run', () => {
  test('waits before each attempt, then works in phases', () => {
    const timeline = timelineOf(
      {
        requestedAt: at(0),
        finishedAt: at(20),
        attempts: [
          attempt(1, 2, 5, [['read', 3]]),
          attempt(2, 10, 20, [
            ['read', 4],
            ['publish', 5],
          ]),
        ],
      },
      0,
    )
    expect(timeline.stretches.map(({ tag, name, from, to }) => [tag, name, from / 1_000, to / 1_000])).toEqual([
      ['wait', 'for a worker', 0, 2],
      ['phase', 'read', 2, 5],
      ['wait', 'for the next attempt', 5, 10],
      ['phase', 'read', 10, 14],
      ['phase', 'publish', 14, 19],
      ['other', 'between the phases', 19, 20],
    ])
    expect(timeline).toMatchObject({ total: 20_000, waited: 7_000, worked: 13_000 })
  })

  test('what goes on ends now', () => {
    const running = timelineOf(
      { requestedAt: at(0), finishedAt: null, attempts: [attempt(1, 1, null, [['read', 3]])] },
      Date.parse(at(9)),
    )
    expect(running.stretches.at(-1)).toEqual({
      tag: 'phase',
      name: 'load',
      attempt: 1,
      from: 4_000,
      to: 9_000,
      open: true,
    })
    const waiting = timelineOf({ requestedAt: at(0), finishedAt: null, attempts: [] }, Date.parse(at(9)))
    expect(waiting).toMatchObject({ waited: 9_000, worked: 0, stretches: [{ tag: 'wait', open: true }] })
  })

  test('a clock that differs from the server makes nothing negative', () => {
    const timeline = timelineOf({ requestedAt: at(5), finishedAt: null, attempts: [] }, Date.parse(at(0)))
    expect(timeline).toMatchObject({ total: 0, waited: 0, worked: 0 })
  })
})
