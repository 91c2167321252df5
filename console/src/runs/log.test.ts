import { describe, expect, test } from 'vitest'
import type { LogLine } from '../client/model/logLine.ts'
import { logText, shownLines, withLines } from './log.ts'

const line = (id: number, level: LogLine['level'], message: string, fields: LogLine['fields'] = {}): LogLine => ({
  id,
  at: '2026-01-31T05:00:00.000Z',
  attempt: 1,
  level,
  message,
  fields,
})
const lines = [
  line(1, 'debug', 'connected'),
  line(2, 'info', 'read', { table: 'Teachers', rows: 3 }),
  line(3, 'warn', 'coerced'),
  line(4, 'error', 'refused'),
]

describe('the log of a run', () => {
  test('a level shows itself and what is worse', () => {
    expect(shownLines(lines, 'debug', '').map(({ id }) => id)).toEqual([1, 2, 3, 4])
    expect(shownLines(lines, 'warn', '').map(({ id }) => id)).toEqual([3, 4])
  })

  test('a text is looked for in message and fields, whatever its case', () => {
    expect(shownLines(lines, 'debug', 'teachers').map(({ id }) => id)).toEqual([2])
    expect(shownLines(lines, 'debug', 'ROWS=3').map(({ id }) => id)).toEqual([2])
    expect(shownLines(lines, 'error', 'teachers')).toEqual([])
  })

  test('lines that a broken stream sends again are there once', () => {
    const first = withLines([], lines.slice(0, 3))
    expect(withLines(first, lines.slice(1)).map(({ id }) => id)).toEqual([1, 2, 3, 4])
    expect(withLines(first, lines.slice(0, 2))).toBe(first)
  })

  test('as a file', () => {
    expect(logText(lines.slice(1, 3))).toBe(
      '2026-01-31T05:00:00.000Z info  #1 read table=Teachers rows=3\n2026-01-31T05:00:00.000Z warn  #1 coerced\n',
    )
  })
})
