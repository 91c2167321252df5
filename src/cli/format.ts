import { formatDuration } from '../lib/duration.ts'

/** `3,000,000`; `-` where it is unknown. */
export function formatCount(count: number | null | undefined): string {
  return count === null || count === undefined ? '-' : count.toLocaleString('en-US')
}

/** `1 row`, `3,376 rows`. */
export function formatRows(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'row' : 'rows'}`
}

/** `512 B`, `1.4 MB`: powers of 1000. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`
}

/** `2 h 5 min ago`, `in 30 min`, `now`; `-` where it is unknown. */
export function formatRelative(at: Date | null, now: Date): string {
  if (at === null) return '-'
  const ms = at.getTime() - now.getTime()
  if (Math.abs(ms) < 1_000) return 'now'
  // Whole seconds: a table is no stopwatch.
  const text = formatDuration(Math.round(Math.abs(ms) / 1_000) * 1_000).replace(/\.\d s$/, ' s')
  return ms < 0 ? `${text} ago` : `in ${text}`
}

/** `2026-11-22 17:30:05Z`, to the second. */
export function formatInstant(at: Date): string {
  return at
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z')
}

/** How long from `from` to `to`; `-` where one is unknown. */
export function formatSpan(from: Date | null, to: Date | null): string {
  return from === null || to === null ? '-' : formatDuration(Math.max(0, to.getTime() - from.getTime()))
}
