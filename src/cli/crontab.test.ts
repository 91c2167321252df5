import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cronLines, minuteStep, withLines } from './crontab.ts'
import { systemdUnit, unitName } from './systemd.ts'

const every = (minutes: number, offset = 0) =>
  ({ tag: 'every', every: minutes * 60_000, offset: offset * 60_000 }) as const
const cron = (pattern: string, zone = 'UTC') => ({ tag: 'cron', cron: pattern, zone }) as const

const now = new Date('2026-11-22T12:00:00Z')

test('cron looks as often as is needed to meet every due time, and no oftener', () => {
  expect(minuteStep([every(120)], now)).toBe(60)
  expect(minuteStep([every(45)], now)).toBe(15)
  expect(minuteStep([every(60, 10)], now)).toBe(10)
  expect(minuteStep([every(120), cron('15 5 * * *')], now)).toBe(15)
  expect(minuteStep([cron('0 5 * * *', 'Asia/Kathmandu')], now)).toBe(15)
  expect(minuteStep([cron('7 * * * *')], now)).toBe(1)
  expect(minuteStep([{ tag: 'every', every: 90_000, offset: 0 }], now)).toBe(1)
  expect(minuteStep([cron('30 0 5 * * *')], now)).toBe(1)
  // Half an hour of daylight saving: minute 0 now, minute 30 in half a year.
  expect(minuteStep([cron('0 5 * * *', 'Australia/Lord_Howe')], now)).toBe(30)
})

const entry = {
  project: 'schools',
  directory: "/srv/my app/it's 100%",
  step: 15,
  command: ['/usr/bin/node', '/srv/bin/sluice.js', 'up', '--due'],
  log: '/srv/cron.log',
}

test('the line is quoted for sh and for cron', () => {
  expect(cronLines(entry)).toEqual([
    '# sluice begin schools',
    `*/15 * * * * cd '/srv/my app/it'\\''s 100\\%' && /usr/bin/node /srv/bin/sluice.js up --due >> /srv/cron.log 2>&1`,
    '# sluice end schools',
  ])
  expect(cronLines({ ...entry, step: 60 })[1]).toMatch(/^0 \* \* \* \* /)
  expect(cronLines({ ...entry, step: 1 })[1]).toMatch(/^\* \* \* \* \* /)
})

test('all lines but our own stay as they were; again changes nothing; removing gives back what was there', () => {
  const line = fc.stringMatching(/^[ -~]{0,30}$/).filter((text) => !text.startsWith('# sluice'))
  fc.assert(
    fc.property(fc.array(line), fc.array(line), (above, below) => {
      const other = ['# sluice begin other', '0 * * * * x', '# sluice end other']
      const crontab = [...above, ...other, ...below].map((text) => `${text}\n`).join('')
      const installed = withLines(crontab, 'schools', cronLines(entry))
      expect(installed).toContain(cronLines(entry).join('\n'))
      expect(withLines(installed, 'schools', cronLines(entry))).toBe(installed)
      const changed = withLines(installed, 'schools', cronLines({ ...entry, step: 5 }))
      expect(changed.match(/# sluice begin schools/g)).toHaveLength(1)
      expect(withLines(changed, 'schools', [])).toBe(crontab)
    }),
  )
  expect(withLines('', 'schools', [])).toBe('')
})

test('a beginning without an end takes nothing else with it', () => {
  expect(withLines('# sluice begin schools\n0 5 * * * backup\n', 'schools', [])).toBe('0 5 * * * backup\n')
})

test('a unit keeps what systemd would read as its own', () => {
  const unit = systemdUnit({ project: 'a', directory: '/srv/50%', command: ['/bin/node', '/a "b"/$x'] })
  expect(unit).toContain('WorkingDirectory=/srv/50%%\n')
  expect(unit).toContain('ExecStart="/bin/node" "/a \\"b\\"/$$x"\n')
  expect(unitName('@acme/my app')).toBe('sluice-acme-my-app.service')
})
