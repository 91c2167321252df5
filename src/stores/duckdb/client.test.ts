import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parsePgType } from '../../transfer/pgtype.ts'
import type { CopyColumn, Policy } from '../../transfer/column.ts'
import { fieldText } from '../../transfer/pgcopy/field.ts'
import { RowSplitter } from '../../transfer/pgcopy/rows.ts'
import type { CopyStream } from '../../transfer/source.ts'
import { openDuckdb, type Duckdb } from './client.ts'

const flights = resolve('node_modules/vega-datasets/data/flights-3m.parquet')
const run = promisify(execFile)

let folder: string
let memory: Duckdb
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-duckdb-'))
  memory = await openDuckdb({ path: ':memory:', store: 'warehouse' })
})
afterAll(async () => {
  await memory.close()
  await rm(folder, { recursive: true, force: true })
})

const column = (source: string, type: string, policy: Policy = 'error', target = source): CopyColumn => ({
  source,
  target,
  type: parsePgType(type),
  policy,
})

async function texts(stream: CopyStream, columns: readonly CopyColumn[]): Promise<(string | null)[][]> {
  const rows: (string | null)[][] = []
  const splitter = new RowSplitter(columns.length, (row) =>
    rows.push(columns.map(({ type }, index) => fieldText(row, index, type))),
  )
  for await (const { data } of stream) splitter.push(data)
  splitter.end()
  return rows
}

async function copied(query: string, columns: readonly CopyColumn[], key: readonly string[] = ['id']) {
  const stream = memory.source({ tag: 'query', query, changed: null }).copy({ table: 'public.t', key, columns })
  const rows = await texts(stream, columns)
  return { rows, summary: await stream.summary }
}

test('policies replace what does not fit, count it and name the first ten keys', async () => {
  const query = `select i as id, case when i % 2 = 0 then 100000 else i end as v, case when i % 3 = 0 then 'a' || chr(0) || 'b' else 'ok' end as s
    from range(5000) as numbers(i) order by i`
  const even = 2500
  const third = 1667
  const keys = Array.from({ length: 10 }, (_, index) => String(index * 2))
  const nulls = await copied(query, [
    column('id', 'int'),
    column('v', 'smallint', 'null'),
    column('s', 'text', 'string'),
  ])
  expect(nulls.summary.coerced).toMatchObject({
    v: { policy: 'null', count: even, keys },
    s: { policy: 'string', count: third, keys: ['0', '3', '6', '9', '12', '15', '18', '21', '24', '27'] },
  })
  expect(nulls.rows.length).toBe(5000)
  expect(nulls.rows.slice(0, 4)).toEqual([
    ['0', null, 'a\\x00b'],
    ['1', '1', 'ok'],
    ['2', null, 'ok'],
    ['3', '3', 'a\\x00b'],
  ])
  const clamped = await copied(query, [
    column('id', 'int'),
    column('v', 'smallint', 'clamp'),
    column('s', 'text', 'clamp'),
  ])
  expect(clamped.rows.slice(0, 2)).toEqual([
    ['0', '32767', 'ab'],
    ['1', '1', 'ok'],
  ])
  expect(clamped.summary.coerced).toMatchObject({
    v: { policy: 'clamp', count: even },
    s: { policy: 'clamp', count: third },
  })
})

test.each([
  ['1e300::double', 'numeric(9,2)', '9999999.99'],
  ['-129.6::double', 'smallint', '-130'],
  ['12.3456789::double', 'numeric(9,6)', '12.345679'],
  [`'2020-01-01 12:00:00.123456789'::timestamp_ns`, 'timestamp', '2020-01-01 12:00:00.123457'],
  [`'5877642-06-25 (BC)'::date`, 'date', '4714-11-24 BC'],
  [`'äöüß'`, 'varchar(3)', 'äöü'],
])('clamp puts the nearest value in the place of %s', async (written, type, want) => {
  const { rows } = await copied(`select 1 as id, ${written} as v`, [column('id', 'int'), column('v', type, 'clamp')])
  expect(rows).toEqual([['1', want]])
})

test('clamp has nothing in the place of NaN, and says so', async () => {
  const columns = [column('id', 'int'), column('v', 'int', 'clamp')]
  await expect(copied(`select 7 as id, 'nan'::double as v`, columns)).rejects.toMatchObject({
    code: 'VALUE_UNREPRESENTABLE',
    why: expect.stringContaining('nothing to put in its place') as string,
    where: { table: 'public.t', column: 'v', key: '7' },
  })
})

test('a value that does not fit is found in any batch and named by all columns of its key', async () => {
  const query = `select i // 10 as a, i % 10 as b, case when i = 54321 then 'x' || repeat('y', 200) || chr(0) else repeat('z', (i % 300)::int) end as s
    from range(60000) as numbers(i)`
  const columns = [column('a', 'int'), column('b', 'int'), column('s', 'text')]
  await expect(copied(query, columns, ['a', 'b'])).rejects.toMatchObject({ where: { column: 's', key: 'a=5432, b=1' } })
})

test('rows larger than a chunk, and chunks that never split a row', async () => {
  const query = `select i as id, case when i % 5 = 0 then null else repeat('é', (i * 7919 % 90000)::int) end as s, repeat('x', 2000000) as big from range(40) as numbers(i)`
  const columns = [column('id', 'int'), column('s', 'text'), column('big', 'text')]
  const stream = memory.source({ tag: 'query', query, changed: null }).copy({ table: 't', key: [], columns })
  const seen: number[] = []
  let rows = 0
  for await (const chunk of stream) {
    // Every chunk is whole rows: what a splitter leaves over is nothing.
    const splitter = new RowSplitter(3, (row) => {
      const id = Number(fieldText(row, 0, { tag: 'int4' }))
      seen.push(id)
      expect(row.lengths[1]).toBe(id % 5 === 0 ? -1 : ((id * 7919) % 90000) * 2)
      expect(row.lengths[2]).toBe(2_000_000)
    })
    const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
    if (rows > 0) splitter.push(header)
    splitter.push(chunk.data)
    expect(splitter.rows).toBe(chunk.rows)
    rows += chunk.rows
  }
  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, index) => index))
})

test('strings scattered over memory arrive whole: dictionaries, repeats, unions', async () => {
  const path = join(folder, 'dictionary.parquet')
  await memory.run(
    `copy (select i as id, 'value number ' || (hash(i) % 500) || repeat('-', (hash(i) % 60)::int) as s from range(20000) as numbers(i))
     to '${path}' (format parquet)`,
  )
  const query = `select id, s from '${path}' union all select id + 20000, s from '${path}' order by s, id`
  const { rows } = await copied(query, [column('id', 'int'), column('s', 'text')])
  const expected = await memory.all<{ id: string; s: string }>(`select id, s from (${query}) order by s, id`)
  expect(rows).toEqual(expected.map(({ id, s }) => [String(id), s]))
})

test('three million rows in bounded memory, as slowly as the reader likes', async () => {
  const source = memory.source({ tag: 'parquet', path: flights, changed: null })
  const columns = (await source.columns()).map(({ name, type }) => ({
    source: name,
    target: name,
    type,
    policy: 'error' as const,
  }))
  expect(columns.at(-1)?.source).toBe('file_row_number')
  let rows = 0
  let largest = 0
  let chunks = 0
  const stream = source.copy({ table: 'flights', key: ['file_row_number'], columns })
  for await (const chunk of stream) {
    rows += chunk.rows
    largest = Math.max(largest, chunk.data.length)
    // A reader that stalls must not let the thread run ahead.
    if (chunks++ === 5) {
      const before = process.memoryUsage().rss
      await new Promise((resume) => setTimeout(resume, 1000))
      expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
    }
  }
  expect(rows).toBe(3_000_000)
  expect(largest).toBeLessThanOrEqual(1024 * 1024)
  expect((await stream.summary).rows).toBe(3_000_000)
})

test('only rows from the cursor on', async () => {
  const columns = [column('id', 'int'), column('at', 'timestamp')]
  const stream = memory
    .source({
      tag: 'query',
      query: `select i as id, timestamp '2020-01-01' + interval (i) day as at from range(10) as n(i)`,
      changed: null,
    })
    .copy({ table: 't', key: [], columns, since: { column: 'at', from: '2020-01-08 00:00:00' } })
  expect((await texts(stream, columns)).map(([id]) => id)).toEqual(['7', '8', '9'])
})

test('an abort in the middle ends at once and leaves the thread free', async () => {
  const abort = new AbortController()
  const stream = memory
    .source({
      tag: 'query',
      query: `select i as id, md5(i::varchar) as h from range(1000000000) as n(i)`,
      changed: null,
    })
    .copy({ table: 't', key: [], columns: [column('id', 'bigint'), column('h', 'text')] }, abort.signal)
  let chunks = 0
  const started = performance.now()
  const reading = (async () => {
    for await (const chunk of stream) if (chunk.rows > 0 && ++chunks === 3) abort.abort()
  })()
  await expect(reading).rejects.toMatchObject({ code: 'RUN_CANCELLED' })
  await expect(stream.summary).rejects.toMatchObject({ code: 'RUN_CANCELLED' })
  expect(performance.now() - started).toBeLessThan(10_000)
  expect(await memory.all('select 1 as one')).toEqual([{ one: 1 }])
})

test('leaving the loop ends the query', async () => {
  const stream = memory
    .source({ tag: 'query', query: 'select i as id from range(1000000000) as n(i)', changed: null })
    .copy({ table: 't', key: [], columns: [column('id', 'bigint')] })
  for await (const chunk of stream) if (chunk.rows > 0) break
  await expect(stream.summary).rejects.toMatchObject({ code: 'RUN_CANCELLED' })
  expect(await memory.all('select 1 as one')).toEqual([{ one: 1 }])
})

test('a long query without a row yet is interrupted', async () => {
  const signal = AbortSignal.timeout(300)
  const started = performance.now()
  const asked = memory.all(
    'select count(*) as n from range(1000000) a(i), range(1000000) b(j) where hash(i, j) = 1',
    signal,
  )
  await expect(asked).rejects.toMatchObject({ code: 'RUN_CANCELLED' })
  expect(performance.now() - started).toBeLessThan(10_000)
})

test('a column that is not there, a query that does not run, a file that is missing: each by its code', async () => {
  await expect(copied('select 1 as id', [column('nope', 'int')])).rejects.toMatchObject({
    code: 'SOURCE_COLUMN_MISSING',
    why: expect.stringContaining('id') as string,
    where: { column: 'nope', table: 'public.t' },
  })
  const columnsOf = (query: string) => memory.source({ tag: 'query', query, changed: null }).columns()
  await expect(columnsOf('select nope from range(1)')).rejects.toMatchObject({
    code: 'STORE_QUERY',
    why: expect.stringContaining('LINE 1: select nope from range(1)') as string,
  })
  await expect(columnsOf('select 1; select 2')).rejects.toMatchObject({
    code: 'STORE_QUERY',
    why: expect.stringContaining('2 statements') as string,
  })
  await expect(columnsOf('drop table t')).rejects.toMatchObject({ code: 'STORE_QUERY' })
  const missing = memory.source({ tag: 'parquet', path: join(folder, 'none.parquet'), changed: null })
  await expect(missing.columns()).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  await expect(openDuckdb({ path: join(folder, 'none.duckdb'), store: 'w', readOnly: true })).rejects.toMatchObject({
    code: 'FILE_NOT_FOUND',
  })
  // A semicolon and a comment at the end do no harm.
  expect((await columnsOf('select 1 as a; -- the end')).map(({ name }) => name)).toEqual(['a'])
})

test('one process holds the file: a second is told who, and a stale name does no harm', async () => {
  const path = join(folder, 'held.duckdb')
  await writeFile(
    `${path}.lock`,
    JSON.stringify({ pid: 2 ** 22 - 3, host: 'elsewhere', started: 'x', command: 'gone' }),
  )
  const holder = await openDuckdb({ path, store: 'warehouse' })
  await holder.run('create table t as select 1 as a')
  expect(JSON.parse(await readFile(`${path}.lock`, 'utf8'))).toMatchObject({ pid: process.pid })
  const script = `
    const { openDuckdb } = await import(${JSON.stringify(resolve('src/stores/duckdb/client.ts'))})
    await openDuckdb({ path: ${JSON.stringify(path)}, store: 'warehouse' }).then(
      () => console.log('opened'),
      (error) => console.log(JSON.stringify(error)),
    )`
  const second = () => run(process.execPath, ['--conditions=sluice-source', '--input-type=module', '-e', script])
  expect(JSON.parse((await second()).stdout)).toMatchObject({
    code: 'STORE_BUSY',
    summary: expect.stringContaining(`process ${process.pid} on`) as string,
    fix: expect.stringContaining(String(process.pid)) as string,
  })
  // In this process it is the same instance.
  const shared = await openDuckdb({ path, store: 'warehouse' })
  expect(await shared.all('select a from t')).toEqual([{ a: 1 }])
  await holder.close()
  expect(await shared.all('select a from t')).toEqual([{ a: 1 }])
  await shared.close()
  await expect(readFile(`${path}.lock`)).rejects.toMatchObject({ code: 'ENOENT' })
  expect((await second()).stdout).toBe('opened\n')
})

test('a process that is killed leaves nothing that holds the file', async () => {
  const path = join(folder, 'killed.duckdb')
  const script = `
    const { openDuckdb } = await import(${JSON.stringify(resolve('src/stores/duckdb/client.ts'))})
    await openDuckdb({ path: ${JSON.stringify(path)}, store: 'warehouse' })
    console.log('open')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--conditions=sluice-source', '--input-type=module', '-e', script])
  await new Promise((ready) => child.stdout.once('data', ready))
  await expect(openDuckdb({ path, store: 'warehouse' })).rejects.toMatchObject({
    code: 'STORE_BUSY',
    summary: expect.stringContaining(`process ${child.pid}`) as string,
  })
  const gone = new Promise((ended) => child.once('exit', ended))
  child.kill('SIGKILL')
  await gone
  await using after = await openDuckdb({ path, store: 'warehouse' })
  expect(await after.all('select 1 as one')).toEqual([{ one: 1 }])
})
