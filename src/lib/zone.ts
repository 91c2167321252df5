/**
 * Local time of a named zone, both ways. A local time is written as milliseconds since the epoch *as if it were UTC*, so that
 * calendar arithmetic on it is plain UTC arithmetic.
 */
const hour = 3_600_000

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formats.set(zone, made)
  return made
}

/** Whether there is such a zone: a name, or an offset as `+05:30`, which is what clocks there are ahead of UTC. */
export function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/** A zone of the IANA database. PostgreSQL reads offsets as POSIX does, west of Greenwich: `+05:30` is another time there. */
export const isNamedZone = (zone: string): boolean => /^[A-Z]/i.test(zone) && isZone(zone)

/** What clocks in the zone show at this instant. */
export function localOf(instant: number, zone: string): number {
  if (zone === 'UTC') return instant
  const part: Record<string, string> = {}
  for (const { type, value } of formatOf(zone).formatToParts(instant)) part[type] = value
  const year = part['era'] === 'BC' ? 1 - Number(part['year']) : Number(part['year'])
  // Date.UTC reads the years 0 to 99 as 1900 to 1999.
  const local = new Date(0)
  local.setUTCFullYear(year, Number(part['month']) - 1, Number(part['day']))
  local.setUTCHours(Number(part['hour']), Number(part['minute']), Number(part['second']))
  return local.getTime() + (((instant % 1_000) + 1_000) % 1_000)
}

export interface Instant {
  readonly instant: number
  /** `skipped`: no clock showed that local time; the instant is the first one after it. `repeated`: the first of the two. */
  readonly how: 'exact' | 'skipped' | 'repeated'
}

/**
 * When clocks in the zone show this local time. Never decreases with the local time; local times skipped all fall on the
 * instant at which clocks were moved forward.
 */
export function instantOf(local: number, zone: string): Instant {
  if (zone === 'UTC') return { instant: local, how: 'exact' }
  // Offsets lie between -16 and +16 h, so the instant lies between these two, and the zone changes at most once there.
  const before = local - 16 * hour
  const after = local + 16 * hour
  const offsets = [localOf(before, zone) - before, localOf(after, zone) - after]
  const found = [...new Set(offsets.map((offset) => local - offset))].filter(
    (instant) => localOf(instant, zone) === local,
  )
  if (found.length > 0) return { instant: Math.min(...found), how: found.length > 1 ? 'repeated' : 'exact' }
  let low = before
  let high = after
  // Invariant: clocks at `low` show less than `local`, at `high` more.
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (localOf(middle, zone) < local) low = middle
    else high = middle
  }
  return { instant: high, how: 'skipped' }
}
