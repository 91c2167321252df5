import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { absolute } from '../frame/moment.ts'
import { midnight } from './midnight.ts'

describe('the first moment of a local day', () => {
  it.each([
    ['2026-01-31', 'UTC', '2026-01-31T00:00:00.000Z'],
    ['2026-03-29', 'Europe/Berlin', '2026-03-28T23:00:00.000Z'],
    ['2026-03-30', 'Europe/Berlin', '2026-03-29T22:00:00.000Z'],
    ['2026-10-26', 'Europe/Berlin', '2026-10-25T23:00:00.000Z'],
    ['2026-06-01', 'Asia/Kolkata', '2026-05-31T18:30:00.000Z'],
    ['2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z'],
    ['2026-06-01', 'Pacific/Kiritimati', '2026-05-31T10:00:00.000Z'],
  ])('%s in %s is %s', (day, zone, at) => expect(midnight(day, zone).toISOString()).toBe(at))

  it('is of that day, and a millisecond before is not', () => {
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/Santiago', 'Asia/Kathmandu', 'Africa/Cairo')
    const days = fc.date({ min: new Date('2015-01-01'), max: new Date('2035-12-31'), noInvalidDate: true })
    fc.assert(
      fc.property(days, zones, (date, zone) => {
        const day = date.toISOString().slice(0, 10)
        const begin = midnight(day, zone)
        expect(absolute(begin, zone).slice(0, 10)).toBe(day)
        expect(absolute(new Date(begin.getTime() - 1), zone).slice(0, 10)).not.toBe(day)
      }),
    )
  })
})
