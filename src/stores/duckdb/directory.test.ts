import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, normalize } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDuckdb, type Duckdb } from './client.ts'

let folder: string
let project: string
let duckdb: Duckdb
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'sluice-directory-')))
  project = join(folder, `it's a project`)
  await mkdir(join(project, 'data'), { recursive: true })
  await writeFile(join(project, 'one.csv'), 'a\n1\n')
  await writeFile(join(project, 'data', 'two.csv'), 'a\n2\n')
  await writeFile(join(project, 'data', 'three.json'), '{"a": 3}\n')
  duckdb = await openDuckdb({ path: join(folder, 'w.duckdb'), directory: project, store: 'warehouse' })
  await duckdb.run(`create view two as select a from read_csv('data/*.csv');
    copy (select 4 as a) to '${join(project, 'data', 'four.parquet').replaceAll("'", "''")}'`)
})
afterEach(async () => {
  await duckdb.close()
  await rm(folder, { recursive: true, force: true })
})

const read = async (query: string): Promise<number> => {
  const source = duckdb.source({ tag: 'query', query, changed: null })
  const [column] = await source.columns()
  if (column === undefined) throw new Error('no column')
  const columns = [{ source: column.name, target: 'a', type: { tag: 'int4' }, policy: 'error' } as const]
  const stream = source.copy({ table: 't', key: [], columns })
  const chunks: Uint8Array[] = []
  for await (const { data } of stream) chunks.push(data.slice())
  // Header, number of fields, length, value.
  return Buffer.concat(chunks).readInt32BE(19 + 2 + 4)
}

const queries: readonly [query: string, value: number, file: string][] = [
  [`select a from read_csv('one.csv')`, 1, 'one.csv'],
  [`select a from './one.csv'`, 1, './one.csv'],
  [`select a from read_csv(['data/two.csv'])`, 2, 'data/two.csv'],
  [`select a from read_csv('data/*.csv')`, 2, 'data/two.csv'],
  [`select a from read_json('data/three.json')`, 3, 'data/three.json'],
  [`select a from 'data/four.parquet'`, 4, 'data/four.parquet'],
  [`select a from read_parquet('data/f*.parquet')`, 4, 'data/four.parquet'],
  ['select a from two', 2, 'data/two.csv'],
]

test.each(queries)('relative paths count from the directory: %s', async (query, value, file) => {
  expect(process.cwd()).not.toBe(project)
  expect(await read(query)).toBe(value)
  const mark = await duckdb.source({ tag: 'query', query, changed: null }).mark()
  expect(mark).toMatchObject({ known: true, mark: { files: [{ path: normalize(file) }] } })
})

test('so do the paths of files', async () => {
  const source = duckdb.source({ tag: 'csv', path: 'data/*.csv', changed: null })
  expect(await source.columns()).toMatchObject([{ name: 'a' }])
  expect(await source.mark()).toMatchObject({ mark: { files: [{ path: join('data', 'two.csv') }] } })
})

test('a file of the same name in the working directory is refused, never read', async () => {
  // Of the repository: the tests run in its root.
  await writeFile(join(project, 'package.json'), '{"a": 5}\n')
  for (const query of [
    `select a from read_json('package.json')`,
    `select a, now() as at from read_json('package.json')`,
    `select a from (select a from 'package.json')`,
  ]) {
    const source = duckdb.source({ tag: 'query', query, changed: null })
    const refused = {
      code: 'STORE_QUERY',
      summary: expect.stringContaining('package.json') as string,
      fix: expect.stringContaining(join(project, 'package.json')) as string,
    }
    await expect(source.columns(), query).rejects.toMatchObject(refused)
    await expect(source.mark(), query).rejects.toMatchObject(refused)
    const changed = duckdb.source({ tag: 'query', query: 'select 1 as a', changed: query })
    await expect(changed.mark(), query).rejects.toMatchObject(refused)
  }
  const full = join(project, 'package.json').replaceAll("'", "''")
  expect(await read(`select a from read_json('${full}')`)).toBe(5)
})

test('where the directory cannot be told to DuckDB, a relative path finds nothing, never something else', async () => {
  const odd = join(folder, 'one,two')
  await mkdir(odd)
  await writeFile(join(odd, 'one.csv'), 'a\n1\n')
  await writeFile(join(odd, 'package.json'), '{"a": 1}\n')
  await using own = await openDuckdb({ path: ':memory:', directory: odd, store: 'warehouse' })
  const columns = (query: string) => own.source({ tag: 'query', query, changed: null }).columns()
  await expect(columns(`from 'one.csv'`)).rejects.toThrow(/does not find a file/u)
  await expect(columns(`from 'package.json'`)).rejects.toMatchObject({ code: 'STORE_QUERY' })
  expect(await columns(`from '${join(odd, 'one.csv')}'`)).toMatchObject([{ name: 'a' }])
})
