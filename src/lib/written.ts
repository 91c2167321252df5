/** Times as people write them: strictly, so that no day is taken for another one. Pure. */
import { writtenDay } from './calendar.ts'

const day = String.raw`(\d{4})-(\d\d)-(\d\d)`
export const clock = String.raw`([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d{1,6})?)?`
// A plus that was not escaped in a query string arrives as a blank.
export const zonedTime = new RegExp(`^${day}[T ]${clock}(?:Z|[-+ ](?:0\\d|1[0-5]):?[0-5]\\d)$`, 'i')

/** Whether the calendar has that day (the groups 1 to 3); years 1 to 9999. */
export function dayExists([, year, month, of]: RegExpExecArray): boolean {
  const [y, m, d] = [Number(year), Number(month), Number(of)]
  if (y === 0 || m < 1 || m > 12 || d < 1) return false
  const leap = (y % 4 === 0 && y % 100 !== 0) || y % 400 === 0
  const days = m === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(m) ? 30 : 31
  return d <= days
}

/** An instant with its offset: `2025-01-31T12:00:00Z`; null: it is none, or of a day that no calendar has. */
function writtenInstant(text: string): number | null {
  const match = zonedTime.exec(text)
  if (match === null || !dayExists(match)) return null
  // What is matched may have a blank for the T or the plus, and no colon in its offset.
  const at = Date.parse(
    text
      .toUpperCase()
      .replace(/^(\S{10}) /, '$1T')
      .replace(/ (\d\d:?\d\d)$/, '+$1')
      .replace(/([-+]\d\d)(\d\d)$/, '$1:$2'),
  )
  return Number.isNaN(at) ? null : at
}

/** The end of a range: a day, a month or a year of the zone (`after`: the first day after it), or an instant; null: none of these. */
export function writtenBound(text: string, zone: string, after: boolean): number | null {
  return writtenDay(text, zone, after) ?? writtenInstant(text.trim())
}
