import type { Parse } from './values.ts'

const day = String.raw`(\d{4})-(\d\d)-(\d\d)`
const clock = String.raw`([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d{1,6})?)?`
const date = new RegExp(`^${day}$`)
const time = new RegExp(`^${clock}$`)
const timestamp = new RegExp(`^${day}(?:[T ]${clock})?$`, 'i')
// A plus that was not escaped in a query string arrives as a blank.
const timestampZone = new RegExp(`^${day}[T ]${clock}(?:Z|[-+ ](?:0\\d|1[0-5]):?[0-5]\\d)$`, 'i')

/** Whether the calendar has that day; years 1 to 9999. */
function exists([, year, month, day]: RegExpExecArray): boolean {
  const [y, m, d] = [Number(year), Number(month), Number(day)]
  if (y === 0 || m < 1 || m > 12 || d < 1) return false
  const leap = (y % 4 === 0 && y % 100 !== 0) || y % 400 === 0
  const days = m === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(m) ? 30 : 31
  return d <= days
}

function dated(pattern: RegExp, fault: string, bound: (text: string) => string = (text) => text): Parse {
  return (text) => {
    const match = pattern.exec(text)
    return match === null || !exists(match) ? { fault } : { value: bound(text) }
  }
}

export const parseDate = dated(date, 'has to be a date such as 2025-08-31')
export const parseTimestamp = dated(timestamp, 'has to be a time without a zone such as 2025-08-31T13:45:00, or a date')
export const parseTimestampZone = dated(
  timestampZone,
  'has to be a time with its zone such as 2025-08-31T13:45:00Z or 2025-08-31T13:45:00+05:00 (write %2B for + in an address)',
  (text) => text.replace(/ (\d\d:?\d\d)$/, '+$1'),
)
export const parseTime: Parse = (text) =>
  time.test(text) ? { value: text } : { fault: 'has to be a time of day such as 13:45 or 13:45:00' }
