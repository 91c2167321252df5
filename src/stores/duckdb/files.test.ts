/** What DuckDB guesses about CSV and JSON must not change a value. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatPgType } from '../../transfer/pgtype.ts'
import { fieldText } from '../../transfer/pgcopy/field.ts'
import { RowSplitter } from '../../transfer/pgcopy/rows.ts'
import { openDuckdb, type Duckdb } from './client.ts'

let folder: string
let duckdb: Duckdb
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-files-'))
  duckdb = await openDuckdb({ path: ':memory:', store: 'warehouse' })
})
afterAll(async () => {
  await duckdb.close()
  await rm(folder, { recursive: true, force: true })
})

async function read(tag: 'csv' | 'json', text: string): Promise<{ types: readonly string[]; last: (string | null)[] }> {
  const path = join(folder, `rows.${tag}`)
  await writeFile(path, text)
  const source = duckdb.source({ tag, path, changed: null })
  const offered = await source.columns()
  const columns = offered.map(({ name, type }) => ({ source: name, target: name, type, policy: 'error' as const }))
  let last: (string | null)[] = []
  const splitter = new RowSplitter(columns.length, (row) => {
    last = columns.map(({ type }, index) => fieldText(row, index, type))
  })
  for await (const { data } of source.copy({ table: 't', key: [], columns })) splitter.push(data)
  return { types: offered.map(({ type }) => formatPgType(type)), last }
}

const many = (line: (row: number) => string): string => Array.from({ length: 50_000 }, (_, row) => line(row)).join('\n')

test('a leading zero far down in a CSV file keeps its column text', async () => {
  const { types, last } = await read('csv', `id,zip\n${many((row) => `${row},${10_000 + row}`)}\n50000,00501\n`)
  expect(types).toEqual(['bigint', 'text'])
  expect(last).toEqual(['50000', '00501'])
})

test('a fraction far down in a CSV or JSON file is not rounded', async () => {
  const csv = await read('csv', `id,n\n${many((row) => `${row},${row}`)}\n50000,1.5\n`)
  expect(csv.last).toEqual(['50000', '1.5'])
  const json = await read('json', `${many((row) => `{"id": ${row}, "n": ${row}}`)}\n{"id": 50000, "n": 1.5}\n`)
  expect(json.last).toEqual(['50000', '1.5'])
})

test('a date that could be read in two ways stays text', async () => {
  expect(await read('csv', 'a,b\n01/02/2024,2024-02-01\n03/02/2024,2024-02-03\n')).toEqual({
    types: ['text', 'date'],
    last: ['03/02/2024', '2024-02-03'],
  })
})

test('an empty text in quotes is empty, without quotes it is null', async () => {
  expect((await read('csv', 'id,a,b\n1,x,x\n2,"",\n')).last).toEqual(['2', '', null])
})

test.each(['a,b\n1,2\n3\n', 'a;b\n1;2\n3;4;5\n', 'a,b\n1,2\n#3\n4,5\n'])(
  'lines that are not split into fields are refused, and none is passed over: %j',
  async (text) => {
    await expect(read('csv', text)).rejects.toMatchObject({
      code: 'STORE_QUERY',
      summary: expect.stringContaining('same number of fields'),
    })
  },
)

test('a file of one column is one, whatever its values hold', async () => {
  expect((await read('csv', 'name\n"a, b"\n')).last).toEqual(['a, b'])
})

test('a number with a fraction, or one beyond 64 bits, keeps all of its digits', async () => {
  const { types, last } = await read(
    'csv',
    'id,a,b,"odd ""name"""\n1,0.5,1e3,2.25\n2,12345678901234567.890123456789,123456789012345678901234567890123456789012,-0.10\n',
  )
  expect(types).toEqual(['bigint', 'numeric', 'numeric', 'numeric'])
  expect(last).toEqual(['2', '12345678901234567.890123456789', '123456789012345678901234567890123456789012', '-0.10'])
})

test('numbers that are none are carried, and nothing is null', async () => {
  expect((await read('csv', 'id,a,b\n1,1.5,0.5\n2,nan,\n')).last).toEqual(['2', 'NaN', null])
  expect((await read('csv', 'id,a,b\n1,1.5,0.5\n2,-inf,2.50\n')).last).toEqual(['2', '-Infinity', '2.50'])
})

test('where the column is a float, a number of a CSV file is read as one', async () => {
  const path = join(folder, 'floats.csv')
  await writeFile(path, 'id,a\n1,0.1\n2,1e300\n3,\n')
  const source = duckdb.source({ tag: 'csv', path, changed: null })
  const columns = [{ source: 'a', target: 'a', type: { tag: 'float8' }, policy: 'error' }] as const
  const found: (string | null)[] = []
  const splitter = new RowSplitter(1, (row) => void found.push(fieldText(row, 0, columns[0].type)))
  for await (const { data } of source.copy({ table: 't', key: [], columns, since: { column: 'a', from: '0' } }))
    splitter.push(data)
  expect(found).toEqual(['0.1', '1e+300', null])
})

test(
  'any number that is written arrives digit by digit, as PostgreSQL would print it',
  { timeout: 60_000 },
  async () => {
    const digits = (most: number) => fc.stringMatching(new RegExp(`^[0-9]{0,${most}}$`))
    const number = fc
      .record({
        sign: fc.constantFrom('', '-'),
        whole: fc.stringMatching(/^(0|[1-9][0-9]{0,45}|)$/),
        part: digits(45),
        dot: fc.boolean(),
      })
      .filter(({ whole, part, dot }) => whole !== '' || (dot && part !== ''))
      .map(({ sign, whole, part, dot }) => ({
        sign,
        whole,
        part: dot ? part : '',
        text: `${sign}${whole}${dot ? `.${part}` : ''}`,
      }))
    await fc.assert(
      fc.asyncProperty(fc.array(number, { minLength: 1, maxLength: 60 }), async (numbers) => {
        const path = join(folder, 'written.csv')
        await writeFile(path, `id,n\n0,0.5\n${numbers.map(({ text }, at) => `${at + 1},${text}`).join('\n')}\n`)
        const source = duckdb.source({ tag: 'csv', path, changed: null })
        expect((await source.columns()).map(({ type }) => formatPgType(type))).toEqual(['bigint', 'numeric'])
        const columns = [
          { source: 'n', target: 'n', type: { tag: 'numeric', precision: null, scale: null }, policy: 'error' },
        ] as const
        const found: (string | null)[] = []
        const splitter = new RowSplitter(1, (row) => void found.push(fieldText(row, 0, columns[0].type)))
        for await (const { data } of source.copy({ table: 't', key: [], columns })) splitter.push(data)
        const expected = numbers.map(({ sign, whole, part }) => {
          const plain = `${whole.replace(/^0+(?=.)/, '') || '0'}${part === '' ? '' : `.${part}`}`
          return sign === '-' && /[1-9]/.test(plain) ? `-${plain}` : plain
        })
        expect(found).toEqual(['0.5', ...expected])
      }),
      { numRuns: 60 },
    )
  },
)
