/** Rows that an upsert or an append reads again, or could miss: the cursor is null, infinite, or the source has grown a column. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Ended } from './support/cli.ts'
import { createProject, type Project } from './support/project.ts'

const ok = (ended: Ended): Ended => {
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return ended
}

describe('rows behind the cursor', () => {
  let project: Project
  beforeAll(async () => {
    project = await createProject(`{
      merged: sync({ from: { table: 'merged' }, to: 'merged', key: ['id'], mode: 'upsert', cursor: 'at', lookback: '1h' }),
      appended: sync({ from: { table: 'appended' }, to: 'appended', mode: 'append', cursor: 'at', lookback: '1h' }),
      versions: sync({ from: { table: 'versions' }, to: 'versions', key: ['id'], mode: 'upsert', cursor: 'at', lookback: 0, latestBy: 'version' }),
      numbered: sync({ from: { table: 'numbered' }, to: 'numbered', key: ['id'], mode: 'upsert', cursor: 'at', lookback: 0 }),
    }`)
    const rows = `select i::integer as id, timestamp '2025-01-01' + interval (i) hour as at from range(10) t(i)`
    await project.warehouse(
      `create table merged as ${rows}`,
      `create table appended as ${rows}`,
      `create table versions as select 1 as id, 10 as at, 5 as version`,
      `create table numbered as select i::integer as id, i::double as at from range(10) t(i)`,
    )
    ok(await project.sluice(['run', '--all']))
  })
  afterAll(() => project[Symbol.asyncDispose]())

  test('a row whose cursor is null is carried, once', async () => {
    for (const id of [20, 21]) {
      await project.warehouse(
        ...['merged', 'appended', 'numbered'].map((table) => `insert into ${table} values (${id}, null)`),
      )
      ok(await project.sluice(['run', '--all']))
    }
    ok(await project.sluice(['verify']))
    expect(await project.query('select count(*)::int as n from appended')).toEqual([{ n: 12 }])
  })

  test('a cursor without end does not hide the rows that come after it', async () => {
    await project.warehouse(
      `insert into merged values (30, 'infinity')`,
      `insert into appended values (30, 'infinity')`,
      `insert into numbered values (30, 'infinity'), (31, 'nan')`,
    )
    ok(await project.sluice(['run', '--all']))
    await project.warehouse(
      `insert into merged values (40, '2025-02-01')`,
      `insert into appended values (40, '2025-02-01')`,
      `insert into numbered values (40, 100)`,
    )
    ok(await project.sluice(['run', '--all']))
    ok(await project.sluice(['verify']))
  })

  test('a new column of the source adds no row a second time to what is appended without a key', async () => {
    await project.warehouse(
      `alter table appended add column note varchar`,
      `update appended set note = 'n' || id`,
      `insert into appended values (50, '2025-02-02', 'new')`,
    )
    ok(await project.sluice(['run', 'appended']))
    ok(await project.sluice(['verify', 'appended']))
    await project.warehouse(`insert into appended values (51, '2025-02-02', 'newer')`)
    ok(await project.sluice(['run', 'appended']))
    ok(await project.sluice(['run', 'appended', '--force']))
    ok(await project.sluice(['verify', 'appended']))
    expect(await project.query('select count(*)::int as n, count(distinct id)::int as d from appended')).toEqual([
      { n: 16, d: 16 },
    ])
  })

  test('latestBy goes by rows behind the cursor, too', async () => {
    await project.warehouse('insert into versions values (1, 20, 3)')
    ok(await project.sluice(['run', 'versions']))
    ok(await project.sluice(['verify', 'versions']))
    await project.warehouse('insert into versions values (1, 30, 6)')
    ok(await project.sluice(['run', 'versions']))
    ok(await project.sluice(['verify', 'versions']))
  })
})
