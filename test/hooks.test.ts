/** `beforePublish` and `afterPublish`: part of the publication, all or nothing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProject, type Project } from './support/project.ts'

describe.each([
  ['in-place', 18],
  ['swap', 18],
  ['in-place', 14],
  ['swap', 14],
] as const)('around a publication %s, on PostgreSQL %i', (publish, version) => {
  let project: Project
  const flow = (before: string): string =>
    `{ things: sync({ from: { csv: 'rows.csv' }, to: 'things', key: ['id'], publish: '${publish}', beforePublish: ${JSON.stringify(before)}, afterPublish: file('sql/after.sql') }) }`
  const note = (what: string): string =>
    `insert into noted select '${what}', pg_current_xact_id()::text, (select max(version) from things), current_setting('search_path'), current_setting('row_security'), current_setting('lock_timeout')`
  const write = (version: number): Promise<void> =>
    project.write('rows.csv', `id,version\n${Array.from({ length: 50 }, (_, id) => `${id},${version}`).join('\n')}\n`)
  const seen = async (): Promise<unknown> =>
    (
      await project.query('select count(*)::int as n, min(version)::int as low, max(version)::int as high from things')
    )[0]

  beforeAll(async () => {
    project = await createProject('{}', { version })
    await project.query(
      'create table things (id bigint primary key, version bigint); insert into things values (1, 0); create table noted (what text, xact text, version bigint, path text, security text, patience text)',
    )
  })
  afterAll(() => project[Symbol.asyncDispose]())

  test('both run in its transaction, and see the content before and after', async () => {
    await project.write('sql/after.sql', `${note('after')};\n-- more than one; with a semicolon\nanalyze things;\n`)
    await project.flows(flow(note('before')))
    await write(1)
    const ended = await project.sluice(['run', 'things'])
    expect(ended.code, ended.stderr).toBe(0)
    const noted = await project.query<{ what: string; xact: string; version: string; path: string }>(
      'select what, xact, version, path, security, patience from noted order by what desc',
    )
    expect(noted.map(({ what, version: at }) => [what, Number(at)])).toEqual([
      ['before', 0],
      ['after', 1],
    ])
    // The same transaction, with the same settings: what the publisher sets for itself is not theirs.
    const [before, after] = noted
    expect({ ...after, what: '', version: '' }).toEqual({ ...before, what: '', version: '' })
    expect(await seen()).toEqual({ n: 50, low: 1, high: 1 })
  })

  test.each(['before', 'after'])(
    'one that fails (%s): nothing is published, and nothing of the other stays',
    async (which) => {
      const broken = 'select 1 / (select count(*) from things where false)'
      await project.query('truncate noted')
      await project.flows(flow(which === 'before' ? `${note('before')}; ${broken}` : note('before')))
      await project.write('sql/after.sql', which === 'after' ? `${note('after')};\n${broken}` : note('after'))
      await write(2)
      const ended = await project.sluice(['run', 'things'])
      expect(ended.code).toBe(1)
      expect(ended.stderr).toMatch(/STORE_QUERY[^]*division by zero/)
      expect(await seen()).toEqual({ n: 50, low: 1, high: 1 })
      expect(await project.query('select what from noted')).toEqual([])
      const status = await project.sluice(['status', '--json'])
      expect(JSON.parse(status.stdout)).toMatchObject({ flows: [{ state: 'failed' }] })
      expect(await project.query(`select to_regnamespace('sluice_staging') as staging`)).toEqual([{ staging: null }])
    },
  )

  test.each(['before', 'after'])(
    'one that ends the transaction (%s) is refused, and nothing is published',
    async (which) => {
      const ending = `${note(which)}; commit; begin`
      await project.query('truncate noted')
      await project.flows(flow(which === 'before' ? ending : note('before')))
      await project.write('sql/after.sql', which === 'after' ? ending : note('after'))
      await write(3)
      const ended = await project.sluice(['run', 'things'])
      expect(ended.code).toBe(1)
      expect(ended.stderr).toMatch(/transaction/)
      expect(await seen()).toEqual({ n: 50, low: 1, high: 1 })
      expect(await project.query('select what from noted')).toEqual([])
    },
  )
})
