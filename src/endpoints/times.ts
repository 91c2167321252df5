import { clock, dayExists, zonedTime } from '../lib/written.ts'
import type { Parse } from './values.ts'

const day = String.raw`(\d{4})-(\d\d)-(\d\d)`
const date = new RegExp(`^${day}$`)
const time = new RegExp(`^${clock}$`)
const timestamp = new RegExp(`^${day}(?:[T ]${clock})?$`, 'i')

function dated(pattern: RegExp, fault: string, bound: (text: string) => string = (text) => text): Parse {
  return (text) => {
    const match = pattern.exec(text)
    return match === null || !dayExists(match) ? { fault } : { value: bound(text) }
  }
}

export const parseDate = dated(date, 'has to be a date such as 2025-08-31')
export const parseTimestamp = dated(timestamp, 'has to be a time without a zone such as 2025-08-31T13:45:00, or a date')
export const parseTimestampZone = dated(
  zonedTime,
  'has to be a time with its zone such as 2025-08-31T13:45:00Z or 2025-08-31T13:45:00+05:00 (write %2B for + in an address)',
  (text) => text.replace(/ (\d\d:?\d\d)$/, '+$1'),
)
export const parseTime: Parse = (text) =>
  time.test(text) ? { value: text } : { fault: 'has to be a time of day such as 13:45 or 13:45:00' }
