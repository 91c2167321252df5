/** Buckets and how far a rollup has come, in words. Pure. */
import { absolute, localParts } from '../../frame/moment.ts'
import { plural } from '../../frame/number.ts'

const formats = new Map<string, Intl.DateTimeFormat>()

function written(at: Date, zone: string, options: Intl.DateTimeFormatOptions): string {
  const key = `${zone} ${JSON.stringify(options)}`
  const format = formats.get(key) ?? new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options })
  formats.set(key, format)
  return format.format(at)
}

const clock = (at: Date, zone: string): string =>
  written(at, zone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const quarterOf = (at: Date, zone: string): string => `Q${Math.ceil(localParts(at, zone).month / 3)}`

/** `05:15`, `2 Nov`, `Nov`, `Q4`, `2025`: as short as its slice allows. */
function label(from: Date, grain: string, zone: string): string {
  switch (grain) {
    case 'quarter-hour':
    case 'hour':
      return clock(from, zone)
    case 'day':
    case 'week':
      return written(from, zone, { day: 'numeric', month: 'short' })
    case 'month':
      return written(from, zone, { month: 'short' })
    case 'quarter':
      return quarterOf(from, zone)
    default:
      return written(from, zone, { year: 'numeric' })
  }
}

/** Where clocks show an hour twice, with the offset: no two are called the same. */
export function labelsOf(starts: readonly string[], grain: string, zone: string): readonly string[] {
  const labels = starts.map((start) => label(new Date(start), grain, zone))
  return labels.map((one, at) => {
    if (labels.indexOf(one) === labels.lastIndexOf(one)) return one
    return `${one} ${
      absolute(new Date(starts[at] ?? ''), zone)
        .split(' ')
        .at(-1) ?? ''
    }`
  })
}

/** `2 Nov 2025, 01:00 to 02:00`, `Sun 2 Nov 2025`, `week from 27 Oct 2025`, `November 2025`, `Q4 2025`, `2025`. */
export function bucketWords(from: string, to: string, grain: string, zone: string): string {
  const [begin, end] = [new Date(from), new Date(to)]
  const day = written(begin, zone, { day: 'numeric', month: 'short', year: 'numeric' })
  switch (grain) {
    case 'quarter-hour':
    case 'hour': {
      const [a, b] = [begin, end].map((at) => absolute(at, zone).split(' ').at(-1))
      return `${day}, ${clock(begin, zone)} to ${clock(end, zone)}${a === b ? '' : ` (${a} to ${b})`}`
    }
    case 'day':
      return written(begin, zone, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' })
    case 'week':
      return `week from ${day}`
    case 'month':
      return written(begin, zone, { month: 'long', year: 'numeric' })
    case 'quarter':
      return `${quarterOf(begin, zone)} ${localParts(begin, zone).year}`
    default:
      return written(begin, zone, { year: 'numeric' })
  }
}

/** `14:00` today, else `26 Nov 14:00`, with the year where it is another one. */
export function untilWords(through: Date, zone: string, now: Date): string {
  const [its, ours] = [localParts(through, zone), localParts(now, zone)]
  const sameYear = its.year === ours.year
  if (sameYear && its.month === ours.month && its.day === ours.day) return clock(through, zone)
  const day = written(through, zone, { day: 'numeric', month: 'short', ...(sameYear ? {} : { year: 'numeric' }) })
  return `${day} ${clock(through, zone)}`
}

export interface Stand {
  readonly through: string | null
  readonly anew: string | null
  readonly zone: string
  readonly grains: readonly { readonly grain: string; readonly dirty: number }[]
}

/** What can be relied upon, in a sentence or two. */
export function standWords({ through, anew, zone, grains }: Stand, now: Date): string {
  if (through === null) return 'Nothing is counted yet.'
  const counted = `Everything before ${untilWords(new Date(through), zone, now)} is counted`
  if (anew !== null) return `${counted}, but ${anew}: the next run counts everything anew.`
  const dirty = grains.filter((grain) => grain.dirty > 0)
  if (dirty.length === 0) return `${counted}, and no event has changed since.`
  const parts = dirty.map((one) => plural(one.dirty, one.grain))
  const last = parts.pop() ?? ''
  return `${counted}, but for ${parts.length === 0 ? last : `${parts.join(', ')} and ${last}`} whose events have changed since. The next run counts them anew.`
}
