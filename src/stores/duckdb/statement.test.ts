import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDuckdb, type Duckdb } from './client.ts'
import { literal, withoutEnd } from './statement.ts'

let duckdb: Duckdb
beforeAll(async () => {
  duckdb = await openDuckdb({ path: ':memory:', store: 'warehouse' })
})
afterAll(() => duckdb.close())

/** The end of the query as it is read, and what DuckDB itself makes of the query as written. */
async function both(query: string): Promise<{ ours: unknown; theirs: unknown }> {
  const source = duckdb.source({ tag: 'query', query, changed: null })
  await source.columns()
  return { ours: await duckdb.all(`from (\n${withoutEnd(query)}\n) as source`), theirs: await duckdb.all(query) }
}

test.each([
  `select 'a; -- b'`,
  `select 'a; -- b';`,
  `select 'it''s; /* x */' as a; -- end; 'of it`,
  `select 1 as "c; -- d"`,
  `select 1 as "c""; --";`,
  `select E'a\\'; -- b' as a;`,
  `select $$a; -- b$$ as a;`,
  `select $q$a; $$ -- 'b$q$ as a; /* $q$ ; */ ;;`,
  `select 1 as a -- no; end`,
  `select 1 as a; -- one\n  -- two;\n /* three ; /* nested */ ; */ ; `,
  `select 'x' as a /* ' */`,
  `select 1 as a$b$, 2 as c$b$;`,
  `select 6 / 2 * 3 - -1 as a;`,
  `select 'name'as e;`,
  `select 'é; --' as "ü;" ; --`,
  `/* first; */ select 1 as a`,
  `-- first;\nselect 1 as a;\r\n`,
])('reads all of %j', async (query) => {
  const { ours, theirs } = await both(query)
  expect(ours).toEqual(theirs)
})

const texts = fc.string({ unit: fc.constantFrom(';', '-', '--', '/*', '*/', "'", '"', '$', '\\', '\n', 'e', ' ', 'ü') })

test('any text and any name at the end stay whole, whatever semicolons follow', async () => {
  await fc.assert(
    fc.asyncProperty(texts, fc.constantFrom('', ';', ' ; ;\n', '; -- e;', ';/* ; */;'), async (text, end) => {
      const name = `"n${text.replaceAll('"', '""')}"`
      for (const query of [`select 1 as a, ${literal(text)}`, `select ${literal(text)} as ${name}`]) {
        expect(withoutEnd(query + end)).toBe(query)
        const { ours, theirs } = await both(query + end)
        expect(ours).toEqual(theirs)
      }
    }),
    { numRuns: 60 },
  )
})
