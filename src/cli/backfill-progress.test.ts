import { describe, expect, test } from 'vitest'
import type { FlowName } from '../flows/flow.ts'
import type { BackfillRecord } from '../runs/backfills.ts'
import { formatBackfillEnd, formatStanding, showBackfill } from './backfill-progress.ts'
import type { Output } from './output.ts'

const none = { waiting: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0, skipped: 0 }

function backfill(slices: Partial<BackfillRecord['slices']>, more: Partial<BackfillRecord> = {}): BackfillRecord {
  return {
    id: '019aab12',
    flow: 'views' as FlowName, // as the config's parser makes it
    state: 'running',
    from: null,
    to: null,
    force: false,
    grain: null,
    clear: false,
    atOnce: 2,
    requestedAt: new Date(0),
    requestedBy: 'ann',
    finishedAt: null,
    stopped: null,
    slices: { ...none, total: 40, ...slices },
    etaMs: null,
    ...more,
  }
}

test.each([
  [backfill({ waiting: 40 }), '0 of 40 slices'],
  [
    backfill({ waiting: 26, running: 2, succeeded: 10, failed: 1, skipped: 1 }, { etaMs: 301_234 }),
    '12 of 40 slices · 2 running · 1 failed · 5 min left',
  ],
  [backfill({ succeeded: 1, total: 1 }, { etaMs: 9_000 }), '1 of 1 slice'],
  [backfill({ cancelled: 3, succeeded: 2_000, total: 3_376 }), '2,003 of 3,376 slices · 3 cancelled'],
])('%# stands as %s', (record, text) => {
  expect(formatStanding(record)).toBe(text)
})

test.each([
  [
    backfill({ succeeded: 39, skipped: 1 }, { state: 'done', finishedAt: new Date(120_000) }),
    'done: 40 slices in 2 min',
  ],
  [
    backfill({ succeeded: 38, failed: 2 }, { state: 'failed' }),
    'failed: 2 of 40 slices failed; `sluice backfill retry 019aab12` does them again',
  ],
  [
    backfill({ succeeded: 3, cancelled: 37 }, { state: 'cancelled', stopped: { by: 'bob', reason: 'enough' } }),
    'cancelled by bob: enough; 3 of 40 slices done',
  ],
  [
    backfill({ succeeded: 12, waiting: 28 }, { state: 'paused', stopped: { by: 'bob', reason: null } }),
    'paused by bob; 12 of 40 slices done; `sluice backfill resume 019aab12` goes on',
  ],
  [backfill({ running: 2, waiting: 38 }), 'goes on: 0 of 40 slices · 2 running'],
])('%# ends as %s', (record, text) => {
  expect(formatBackfillEnd(record)).toBe(text)
})

describe('without a terminal', () => {
  function said(): { readonly lines: string[]; readonly out: Output } {
    const lines: string[] = []
    const say = (text: string): void => void lines.push(text)
    const nothing = (): void => undefined
    const out: Output = {
      json: false,
      verbose: false,
      live: false,
      interactive: false,
      text: nothing,
      document: nothing,
      line: nothing,
      say,
      detail: nothing,
      warn: nothing,
      style: (_, text) => text,
    }
    return { lines, out }
  }
  const phase = { name: 'load', rows: 5, rowsExpected: 10, bytes: 0 }
  const progress = { tag: 'progress', attempt: 1, phase, elapsedMs: 0, etaMs: null } as const

  test('many slices are counted, now and then; what their runs warn of is always said', () => {
    const { lines, out } = said()
    const shown = showBackfill(backfill({ waiting: 40 }), out)
    shown.stands(backfill({ waiting: 39, running: 1 }))
    shown.stands(backfill({ waiting: 38, running: 1, succeeded: 1 }))
    shown.event('s1', progress)
    const line = { id: 1, at: new Date(0), attempt: 1, message: 'odd', fields: {} } as const
    shown.event('s1', { tag: 'log', line: { ...line, level: 'info' } })
    shown.event('s1', { tag: 'log', line: { ...line, level: 'warn' } })
    expect(lines).toEqual(['views: 0 of 40 slices · 1 running', 'views s1: warn: odd'])
  })

  test('of a single one the phases are told, too, each once', () => {
    const { lines, out } = said()
    const shown = showBackfill(backfill({ waiting: 1, total: 1 }), out)
    shown.event('all', progress)
    shown.event('all', progress)
    expect(lines).toEqual(['views all: load  5 of 10 rows'])
  })
})
