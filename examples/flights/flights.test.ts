/** The demo's flows on a database of their own: three million flights, and their departures by hour to year, equal to plain SQL. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createProject, type Project } from '../../test/support/project.ts'

let project: Project

beforeAll(async () => {
  project = await createProject('{}')
  const config = await readFile(join(import.meta.dirname, 'sluice.config.ts'), 'utf8')
  // The data lie where the repository has them.
  const root = join(import.meta.dirname, '../..')
  await project.write(
    'sluice.config.ts',
    config
      .replace('fileURLToPath(new URL(`../../node_modules', `(\`${root}/node_modules`)
      .replace(', import.meta.url))', ')')
      .replace("project: 'flights',", "project: 'flights', database: process.env['DATABASE_URL'] ?? '',"),
  )
  await project.write('sql/flights.sql', await readFile(join(import.meta.dirname, 'sql/flights.sql'), 'utf8'))
  const { code, stderr } = await project.sluice(['run', '--all'])
  expect(code, stderr).toBe(0)
}, 120_000)
afterAll(() => project[Symbol.asyncDispose]())

it(
  'has three million flights, counted by origin at five grains as plain SQL counts them',
  { timeout: 120_000 },
  async () => {
    expect(await project.query('select count(*)::int as n from flights')).toEqual([{ n: 3_000_000 }])
    expect(await project.query('select count(*)::int as n from airports')).toEqual([{ n: 3_376 }])
    for (const grain of ['hour', 'day', 'week', 'month', 'year']) {
      const raw = (origin: string): string =>
        `select date_trunc('${grain}', departed_at) at time zone 'UTC' as bucket, ${origin} as origin, count(*) as flights, round(avg(delay), 9) as delay,
        max(distance) as longest from flights group by 1, 2`
      const kept = (level: string): string =>
        `select bucket, origin, flights, round(delay, 9), longest from departures where grain = '${grain}' and level = '${level}'`
      for (const [level, origin] of [
        ['origin', 'origin'],
        ['total', 'null'],
      ] as const) {
        const differing = await project.query(
          `select count(*)::int as n from ((${raw(origin)} except all ${kept(level)}) union all (${kept(level)} except all ${raw(origin)})) d`,
        )
        expect(differing, `${grain} ${level}`).toEqual([{ n: 0 }])
      }
    }
  },
)

it('is skipped the second time, and verified identical', { timeout: 120_000 }, async () => {
  const outcomes = async (): Promise<readonly string[]> => {
    const again = await project.sluice(['run', '--all', '--json'])
    expect(again.code).toBe(0)
    const { runs } = JSON.parse(again.stdout) as { runs: readonly { readonly outcome: string }[] } // the documented shape
    return runs.map(({ outcome }) => outcome)
  }
  // An hour may have ended since, which is then counted.
  const found = await outcomes()
  expect(found.includes('succeeded') ? await outcomes() : found).toEqual(['skipped', 'skipped', 'skipped'])
  expect(await project.sluice(['verify', 'departures'])).toMatchObject({ code: 0 })
})
