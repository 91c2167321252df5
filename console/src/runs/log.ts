/** The lines of a run's log: which are shown, and as text. Pure. */
import type { LogLine } from '../client/model/logLine.ts'

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** `source=warehouse rows=12`: the fields of a line. */
export function fieldsOf(line: Pick<LogLine, 'fields'>): string {
  return Object.entries(line.fields)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
}

/** From this level up, with this text in message or fields, whatever its case. */
export function shownLines(lines: readonly LogLine[], level: LogLevel, text: string): readonly LogLine[] {
  const least = logLevels.indexOf(level)
  const wanted = text.toLowerCase()
  return lines.filter(
    (line) =>
      logLevels.indexOf(line.level) >= least &&
      (wanted === '' || `${line.message} ${fieldsOf(line)}`.toLowerCase().includes(wanted)),
  )
}

/** Lines arrive in order, but for those that a broken stream sends again: each id once. */
export function withLines(known: readonly LogLine[], arrived: readonly LogLine[]): readonly LogLine[] {
  const last = known.at(-1)?.id ?? 0
  const fresh = arrived.filter((line) => line.id > last)
  return fresh.length === 0 ? known : [...known, ...fresh]
}

/** The log as a file: one line each, `2026-01-31T05:00:00.000Z info  #1 message a=b`. */
export function logText(lines: readonly LogLine[]): string {
  return lines
    .map((line) => {
      const fields = fieldsOf(line)
      const attempt = line.attempt === null ? '' : `#${line.attempt} `
      return `${line.at} ${line.level.padEnd(5)} ${attempt}${line.message}${fields === '' ? '' : ` ${fields}`}\n`
    })
    .join('')
}
