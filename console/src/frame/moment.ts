/** Times and durations as text. Pure: the moment that counts as now is given. */

const formats = new Map<string, Intl.DateTimeFormat>()

/** A format is dear to make and is asked for in every row. */
function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone} ${JSON.stringify(options)}`
  const known = formats.get(key)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options })
  formats.set(key, made)
  return made
}

function parts(at: Date, zone: string): Readonly<Record<string, string>> {
  const shown = format(zone, {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'shortOffset',
  }).formatToParts(at)
  return Object.fromEntries(shown.map((part) => [part.type, part.value]))
}

/** `2026-01-31 05:00:00 GMT+1`: whole and unambiguous, twice on the day of 25 hours by its offset. */
export function absolute(at: Date, zone: string): string {
  const { year, month, day, hour, minute, second, timeZoneName } = parts(at, zone)
  return `${year}-${month}-${day} ${hour}:${minute}:${second} ${zone === 'UTC' ? 'UTC' : timeZoneName}`
}

/** `05:00` on the same day as now, `31 Jan 05:00` in the same year, else `2025-01-31 05:00`. */
export function shortly(at: Date, zone: string, now: Date): string {
  const its = parts(at, zone)
  const ours = parts(now, zone)
  const time = `${its['hour']}:${its['minute']}`
  if (its['year'] !== ours['year']) return `${its['year']}-${its['month']}-${its['day']} ${time}`
  if (its['month'] === ours['month'] && its['day'] === ours['day']) return time
  return `${format(zone, { day: 'numeric', month: 'short' }).format(at)} ${time}`
}

export interface LocalParts {
  readonly year: number
  /** 1 to 12 */
  readonly month: number
  readonly day: number
  /** 0 to 23 */
  readonly hour: number
  readonly minute: number
}

/** What a clock and a calendar in the zone show. */
export function localParts(at: Date, zone: string): LocalParts {
  const { year, month, day, hour, minute } = parts(at, zone)
  return { year: Number(year), month: Number(month), day: Number(day), hour: Number(hour), minute: Number(minute) }
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const

/** `340 ms`, `4.2 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  const size = Math.abs(ms)
  if (size < 1_000) return `${Math.round(size)} ms`
  if (size < 10_000) return `${(Math.floor(size / 100) / 10).toFixed(1)} s`
  const first = units.findIndex(([, length]) => size >= length)
  const [unit, length] = units[first] ?? units[3]
  const whole = Math.floor(size / length)
  const next = units[first + 1]
  const rest = next === undefined ? 0 : Math.floor((size - whole * length) / next[1])
  return next === undefined || rest === 0 ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${next[0]}`
}

/** One unit only: `4 s`, `12 min`, `3 h`, `2 d`: for an age in a row. */
export function roughly(ms: number): string {
  const size = Math.abs(ms)
  const [unit, length] = units.find(([, each]) => size >= each) ?? units[3]
  return `${Math.floor(size / length)} ${unit}`
}

/** `4 s ago`, `in 12 min`, `now`. */
export function relative(at: Date, now: Date): string {
  const ms = at.getTime() - now.getTime()
  if (Math.abs(ms) < 1_000) return 'now'
  return ms < 0 ? `${roughly(ms)} ago` : `in ${roughly(ms)}`
}
