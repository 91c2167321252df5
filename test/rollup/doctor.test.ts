/** What `doctor` says of a rollup: what would be counted twice, take long, or go unnoticed; and what rollups that are no more have left. */
import { expect, test } from 'vitest'
import { openSluice, type Sluice } from '../../src/sluice.ts'
import { createDatabase } from '../support/database.ts'
import { counted, ran } from './truth.ts'

const options = {
  from: {
    table: 'view',
    join: {
      blog: { table: 'blog', on: { id: 'blog', team: 'team' } },
      country: { table: 'country', on: { id: 'blog.country' } },
    },
  },
  at: 'viewed_at',
  to: 'rolled',
  grains: ['day'],
  by: { country: 'country.name' },
  measures: { views: 'count' },
}
const setUp = `
  create table country (id int, name text);
  create table blog (id int, team int, country int, title text);
  create table view (id int, blog int, team int, viewed_at timestamptz);
  create index on view (viewed_at);
  insert into view select i, i, i, timestamptz '2025-01-01 00:10+00' from generate_series(1, 10) i;`

async function warnings(sluice: Sluice): Promise<readonly { readonly says: string; readonly fix: string | null }[]> {
  const found = await sluice.doctor()
  expect(found.filter(({ severity }) => severity === 'problem')).toEqual([])
  return found.flatMap(({ severity, says, fix }) => (severity === 'warning' ? [{ says, fix }] : []))
}

test('a join that can find two rows, and one that nothing finds the events of', async () => {
  await using it = await counted(18, setUp, options)
  await it.db.query(`
    create unique index on blog (id, team, title); create unique index on blog (id) where team = 1; create index on blog (id, team);
    create unique index on country (id) include (name)`)
  const said = await warnings(it.sluice)
  expect(said).toEqual([
    {
      says: 'no unique index keeps an event from finding two rows of public.blog by id, team: it would be counted for each',
      fix: 'create unique index concurrently on public.blog (id, team)',
    },
    {
      says: 'no index finds rows of public.view by blog, team: whoever looks up what a change of public.blog touches reads all of them',
      fix: 'create index concurrently on public.view (blog, team)',
    },
    {
      says: 'no index finds rows of public.blog by country: whoever looks up what a change of public.country touches reads all of them',
      fix: 'create index concurrently on public.blog (country)',
    },
  ])
  for (const { fix } of said) await it.db.query(fix ?? '')
  expect(await warnings(it.sluice)).toEqual([])
})

test('a key that is unique by a part of it finds one row; with a lookback nobody looks events up', async () => {
  await using it = await counted(
    18,
    `${setUp} alter table blog add primary key (team); alter table country add primary key (id)`,
    {
      ...options,
      track: { lookback: '3d' },
    },
  )
  expect(await warnings(it.sluice)).toEqual([])
})

test('a table that a subscription writes to, whose triggers do not fire', async () => {
  await using it = await counted(
    18,
    `create table view (id int, viewed_at timestamptz) partition by range (viewed_at); create table view_1 partition of view default; create index on view (viewed_at)`,
    { ...options, from: 'view', by: [] },
  )
  await using publisher = await createDatabase()
  await publisher.query(
    'create table view_1 (id int, viewed_at timestamptz); create publication views for table view_1',
  )
  await it.db.query(
    `create subscription views connection '${publisher.url}' publication views with (create_slot = false, slot_name = none, enabled = false)`,
  )
  expect(await warnings(it.sluice)).toEqual([
    {
      says: 'public.view_1 is written by a logical replication subscription, which fires none of the triggers that mark changes: they are not counted',
      fix: `set track: { lookback: '3d' }; what is older: sluice run views --force`,
    },
  ])
  await it.db.query('drop subscription views')
})

test('triggers of a rollup that is in the config no more', async () => {
  await using it = await counted(18, setUp, { ...options, from: 'view', by: [] })
  await ran(it.sluice)
  expect(await warnings(it.sluice)).toEqual([])
  const flows = { viewings: { kind: 'rollup', ...options, from: 'view', by: [], to: 'other' } }
  const config = { project: 'rolled', database: it.db.url, flows }
  await using renamed = await openSluice({ directory: process.cwd(), config })
  await renamed.run(['viewings'])
  // Another project of the same schema, whose name ends as this one's.
  await using other = await openSluice({ directory: process.cwd(), config: { ...config, project: 'set of rolled' } })
  await other.run(['viewings'])
  const [found, ...more] = (await renamed.doctor()).filter(({ severity }) => severity !== 'fine')
  expect(more).toEqual([])
  expect(found).toEqual({
    severity: 'warning',
    about: 'views',
    says: 'it is no rollup of the config any more, but public.view still has its triggers: they mark changes that nobody counts',
    fix: expect.stringMatching(
      /^drop function ("sluice"\."mark_[0-9a-f]{12}_(delete|insert|truncate|update)"\(\)(, )?){4} cascade$/,
    ) as string,
  })
  await it.db.query(found?.fix ?? '')
  expect((await renamed.doctor()).filter(({ severity }) => severity !== 'fine')).toEqual([])
  await it.db.query('truncate sluice.dirty; insert into view values (1, 1, 1, now())')
  expect(await it.db.query('select flow from sluice.dirty')).toEqual([{ flow: 'viewings' }, { flow: 'viewings' }])
})
