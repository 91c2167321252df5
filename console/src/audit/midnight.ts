/** When a local day begins. Pure. */
import { absolute } from '../frame/moment.ts'

/** How far clocks of the zone are ahead of UTC at that moment, in milliseconds. */
function offset(at: number, zone: string): number {
  const [day, time] = absolute(new Date(at), zone).split(' ')
  return Date.parse(`${day}T${time}Z`) - Math.floor(at / 1_000) * 1_000
}

/**
 * The first moment of a day (`2026-03-29`) in a zone, `days` days later. Where a day has no midnight, because clocks jump over it, its
 * first moment is the one that they jump to.
 */
export function midnight(day: string, zone: string, days = 0): Date {
  const wanted = new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000)
  const its = wanted.toISOString().slice(0, 10)
  // Two guesses, by the offsets on both sides: they differ only around a change of the clocks.
  const guesses = [wanted.getTime() - 43_200_000, wanted.getTime() + 43_200_000].map(
    (at) => wanted.getTime() - offset(at, zone),
  )
  const [first = wanted.getTime(), second = first] = guesses.toSorted((a, b) => a - b)
  return new Date(absolute(new Date(first), zone).startsWith(its) ? first : second)
}
