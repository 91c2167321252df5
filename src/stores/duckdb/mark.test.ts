import { appendFile, cp, mkdtemp, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDuckdb, type Duckdb } from './client.ts'

let folder: string
let duckdb: Duckdb
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-mark-'))
  duckdb = await openDuckdb({ path: join(folder, 'w.duckdb'), store: 'warehouse' })
  await duckdb.run(`
    copy (select 1 as a) to '${folder}/one.csv';
    copy (select 2 as a) to '${folder}/two.csv';
    create table numbers as select i from range(10) as r(i);
    create view files as select a from read_csv('${folder}/*.csv') where a > 0;
    create macro mine(x) as x + epoch(now());
    create view clock as select now() as moment, i from numbers`)
})
afterAll(async () => {
  await duckdb.close()
  await rm(folder, { recursive: true, force: true })
})

const markOf = (query: string, changed: string | null = null) => duckdb.source({ tag: 'query', query, changed }).mark()

test('files: path, size and time of each that matches, and as of the newest', async () => {
  const source = duckdb.source({ tag: 'csv', path: join(folder, '*.csv'), changed: null })
  const before = await source.mark()
  expect(before).toMatchObject({ known: true })
  expect(await source.mark()).toEqual(before)
  const at = new Date('2031-05-06T07:08:09Z')
  await utimes(join(folder, 'two.csv'), at, at)
  const after = await source.mark()
  expect(after).not.toEqual(before)
  expect(after).toMatchObject({ known: true, asOf: at })
  await appendFile(join(folder, 'one.csv'), '3\n')
  expect(await source.mark()).not.toEqual(after)
})

test('another file in the place of one counts, though size and time are the same', async () => {
  const path = join(folder, 'swapped.csv')
  const source = duckdb.source({ tag: 'csv', path, changed: null })
  await writeFile(path, 'a\n1\n')
  const at = new Date('2030-01-01T00:00:00Z')
  await utimes(path, at, at)
  const before = await source.mark()
  const { mtimeNs } = await stat(path, { bigint: true })
  await writeFile(path, 'a\n2\n')
  await utimes(path, at, at)
  const rewritten = await source.mark()
  expect((await stat(path, { bigint: true })).mtimeNs).toBe(mtimeNs)
  expect(rewritten).not.toEqual(before)
  await cp(path, `${path}.new`, { preserveTimestamps: true })
  await rename(`${path}.new`, path)
  expect(await source.mark()).not.toEqual(rewritten)
})

test('a query is as old as the files and tables it reads, through views and with', async () => {
  for (const query of [
    'select i from numbers',
    'with n as (select i from numbers) select count(*) as c from n;',
    `select a from '${folder}/one.csv' where a in (select i from numbers)`,
    'select a from files',
    `select age(timestamp '2020-01-01', timestamp '2019-01-01') as a, sum(i) over (order by i) as s, row_number() over () as n from numbers`,
    `select unnest([1, 2]) as u, i || 'x' as x, i in (1, 2) as y, coalesce(i, 1) as z, i like 'a' as l, {'a': i}.a as b from numbers`,
    `select count(*) as c, grouping(i) as g, list_transform([1], lambda x: x + 1) as t, extract(year from date '2020-01-01') as e from numbers group by cube (i)`,
    `select columns('i') from numbers where i between 1 and 2 or i::varchar ~ 'a' or i is null`,
  ]) {
    const before = await markOf(query)
    expect(before, query).toMatchObject({ known: true })
    expect(await markOf(query), query).toEqual(before)
  }
  const table = await markOf('select i from numbers')
  await duckdb.run('insert into numbers values (11)')
  expect(await markOf('select i from numbers')).not.toEqual(table)
  const files = await markOf(`select a from read_csv(['${folder}/one.csv', '${folder}/two.csv'])`)
  expect(files).toMatchObject({ known: true })
  await duckdb.run('insert into numbers values (12)')
  expect(await markOf(`select a from read_csv(['${folder}/one.csv', '${folder}/two.csv'])`)).toEqual(files)
})

test.each([
  ['select now() as at', /now/],
  ['select current_date as d', /current_date/],
  ['select random() as r from numbers', /random/],
  ['select moment from clock', /now/],
  [`select a from read_csv('${'x'}' || 'y')`, /computed/],
  ['select name from duckdb_settings()', /duckdb_settings/],
  ['select nothing from nowhere', /no file matches/],
  [`select age(timestamp '2020-01-01') as a`, /age/],
  ['select current_localtimestamp() as t', /current_localtimestamp/],
  ['select current_localtime() as t', /current_localtime/],
  [`select getvariable('x') as v from numbers`, /getvariable/],
  [`select current_setting('threads') as t`, /current_setting/],
  [`select getenv('HOME') as h`, /getenv/],
  [`select nextval('s') as n`, /nextval/],
  ['select current_user as u', /current_user/],
  ['select current_user() as u', /current_user/],
  ['select i from numbers where nobody_knows(i)', /nobody_knows/],
  ['select mine(i) as m from numbers', /mine/],
  ['select i from numbers using sample 3', /sample/],
  ['select i from numbers tablesample 50%', /sample/],
  ['select sum(random()) over () as r from numbers', /random/],
])('unknown, hence run: %s', async (query, why) => {
  expect(await markOf(query)).toMatchObject({ known: false, why: expect.stringMatching(why) as string })
})

test('`changed` decides where it is given', async () => {
  const mark = await markOf('select random() as r', 'select max(i) as newest from numbers')
  expect(mark).toEqual({ known: true, mark: { changed: [{ newest: '12' }] }, asOf: null })
})

test('an unchanged DuckDB file has the same mark in the next process', async () => {
  const path = join(folder, 'still.duckdb')
  const open = () => openDuckdb({ path, store: 'w' })
  const first = await open()
  await first.run('create table t as select 1 as a')
  await first.close()
  const marks: unknown[] = []
  for (let turn = 0; turn < 2; turn++) {
    await using again = await open()
    marks.push(await again.source({ tag: 'table', table: 't', changed: null }).mark())
  }
  expect(marks[0]).toMatchObject({ known: true })
  expect(marks[1]).toEqual(marks[0])
})
