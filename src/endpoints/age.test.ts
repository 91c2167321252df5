/** An answer says of which publication it is; what changes the table is noticed, and what is missing is said. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { EndpointAnswer, Endpoints } from './endpoints.ts'
import { ask, everybody, onServer, refusal } from '../../test/support/endpoints.ts'

type Full = Extract<EndpointAnswer, { readonly status: 200 }>

const full = ({ answer }: { readonly answer: EndpointAnswer }): Full => {
  if (answer.status !== 200) throw new Error('an answer with a body was due')
  return answer
}

describe.each([18, 14] as const)('age on PostgreSQL %i', (version) => {
  const bench = onServer(version)
  let endpoints: Endpoints

  beforeAll(() => bench.query('create table other (a int)'))
  beforeEach(async () => {
    await bench.query(
      'drop table if exists t; delete from sluice.slice; create table t (a int, b text); insert into t values (1, null), (2, $$x$$)',
    )
    await bench.publish()
    endpoints = bench.open({
      t: { table: 't', filter: ['a'], sort: ['a'], shape: 'list' },
      page: { table: 't', filter: ['a'], sort: ['a'] },
      one: { table: 't', filter: ['a'], shape: 'one' },
      distinct: { table: 't', distinct: { a: 'a' } },
      total: { table: 't', aggregate: { n: { count: '*' }, sum: { sum: 'a' }, mean: { avg: 'a' } } },
      query: {
        query: 'select a, b from t where a > :least',
        params: { least: { type: 'int', default: 0 } },
        flows: ['flow'],
        shape: 'list',
        sort: ['a'],
      },
      other: { table: 'other', shape: 'list' },
      lost: { table: 'lost', shape: 'list' },
      narrow: { table: 't', sort: ['a'], shape: 'list', maxRows: 2 },
    })
  })

  it('has the ETag of its publication, for each caller and question', async () => {
    const [{ as_of: asOf } = { as_of: null }] = await bench.query<{ as_of: Date | null }>(
      'select as_of from sluice.slice',
    )
    const tags = new Set<string | null>()
    for (const name of ['t', 'page', 'distinct', 'total', 'query']) {
      const answer = full(await ask(endpoints, name))
      expect(answer.asOf?.getTime()).toBe(asOf?.getTime())
      const again = full(await ask(endpoints, name))
      expect(again.etag).toBe(answer.etag)
      const how = { ifNoneMatch: `"x", W/${answer.etag ?? ''}` }
      expect((await ask(endpoints, name, {}, everybody, how)).answer).toMatchObject({ status: 304, etag: answer.etag })
      tags.add(answer.etag)
    }
    tags.add(full(await ask(endpoints, 't', { a: '1' })).etag)
    tags.add(full(await ask(endpoints, 't', { a: '3' })).etag)
    tags.add(full(await ask(endpoints, 't', { select: 'a' })).etag)
    expect(tags.size).toBe(8)
    const before = full(await ask(endpoints, 't'))
    await bench.publish('update t set b = $$y$$ where a = 1')
    const after = full(await ask(endpoints, 't', {}, everybody, { ifNoneMatch: before.etag ?? '' }))
    expect(after.etag).not.toBe(before.etag)
    expect(after.asOf?.getTime()).toBeGreaterThan(before.asOf?.getTime() ?? 0)
    // Empty is no reason to say nothing.
    expect(await ask(endpoints, 't', { a: '3' })).toMatchObject({ body: [], answer: { asOf: after.asOf } })
  })

  it('is unknown where no flow publishes', async () => {
    expect(full(await ask(endpoints, 'other', {}, everybody, { ifNoneMatch: '*' }))).toMatchObject({
      asOf: null,
      etag: null,
      body: '[]',
    })
    await bench.query('delete from sluice.slice')
    expect(full(await ask(endpoints, 't'))).toMatchObject({ asOf: null, etag: null })
  })

  it('has the columns of its publication: added, of another type, in another table of that name', async () => {
    await ask(endpoints, 't')
    await ask(endpoints, 'query')
    await bench.publish('alter table t add column c date', `update t set c = '2025-01-02'`)
    expect((await ask(endpoints, 't', { a: '1' })).body).toEqual([{ a: 1, b: null, c: '2025-01-02' }])
    await bench.publish('alter table t alter column a type numeric(5,1)')
    expect((await ask(endpoints, 't', { a: '1.0' })).body).toEqual([{ a: 1.0, b: null, c: '2025-01-02' }])
    expect((await ask(endpoints, 'query', { least: '1' })).body).toEqual([{ a: 2, b: 'x' }])
    await bench.publish(
      'create table u (b text, a text)',
      `insert into u values ('z', '1')`,
      'drop table t',
      'alter table u rename to t',
    )
    expect((await ask(endpoints, 't', { a: '1' })).body).toEqual([{ b: 'z', a: '1' }])
    await bench.query('alter table t drop column b')
    expect((await ask(endpoints, 't', { a: '1' })).body).toEqual([{ a: '1' }])
  })

  it('is told when the table is not there, and goes on when it is', async () => {
    expect(await refusal(ask(endpoints, 'lost'))).toMatch(/^TARGET_MISSING/)
    await ask(endpoints, 't')
    await ask(endpoints, 'query')
    await bench.query('alter table t rename to hidden')
    for (const name of ['t', 'page', 'one', 'distinct', 'total', 'query'])
      expect(await refusal(ask(endpoints, name)), name).toMatch(/^TARGET_MISSING/)
    await bench.query('alter table hidden rename to t')
    expect((await ask(endpoints, 't', { a: '2' })).body).toEqual([{ a: 2, b: 'x' }])
    expect(await refusal(ask(endpoints, 'nothing'))).toMatch(/^ENDPOINT_UNKNOWN/)
    expect(await refusal(ask(endpoints, '__proto__'))).toMatch(/^ENDPOINT_UNKNOWN/)
  })

  it('has one object, or says that it has none or several; and no more rows than allowed', async () => {
    expect((await ask(endpoints, 'one', { a: '2' })).body).toEqual({ a: 2, b: 'x' })
    expect(await refusal(ask(endpoints, 'one', { a: '3' }))).toMatch(/^ROW_UNKNOWN/)
    expect(await refusal(ask(endpoints, 'one'))).toMatch(/^ROWS_EXCEEDED/)
    expect((await ask(endpoints, 'total')).body).toEqual({ n: 2, sum: 3, mean: 1.5 })
    expect((await ask(endpoints, 'distinct')).body).toEqual({ a: [1, 2] })
    expect((await ask(endpoints, 'narrow')).body).toHaveLength(2)
    await bench.publish('insert into t values (3, null)')
    expect(await refusal(ask(endpoints, 'narrow'))).toMatch(/^ROWS_EXCEEDED/)
  })

  it('is not that of rows which were published after none were found', async () => {
    await bench.publish('delete from t')
    let meanwhile: (() => Promise<void>) | null = null
    const slow = bench.open({ t: { table: 't' } }, (reader) => ({
      store: reader.store,
      read: (query, row, options) => reader.read(query, row, options),
      describe: (query, options) => reader.describe(query, options),
      all: async (query, options) => {
        const rows = await reader.all(query, options)
        // The rows, and not the question for the age alone.
        if (query.text.includes('order by t.ctid') && meanwhile !== null) {
          const publish = meanwhile
          meanwhile = null
          await publish()
        }
        return rows
      },
      [Symbol.asyncDispose]: async () => {},
    }))
    expect((await ask(slow, 't')).body).toMatchObject({ items: [], total: 0 })
    meanwhile = () => bench.publish('insert into t values (7, null)')
    const { answer, body } = await ask(slow, 't')
    const again = await ask(slow, 't')
    expect(again.body).toMatchObject({ items: [{ a: 7, b: null }], total: 1 })
    // One ETag, one content.
    expect(full(again).etag === full({ answer }).etag).toBe(JSON.stringify(body) === JSON.stringify(again.body))
    expect(meanwhile).toBeNull()
  })

  it('is of the rows that were read, while they are published again and again', async () => {
    // Every publication makes all rows the same, and another than before; now in place, now by another table of the name.
    await bench.publish('delete from t', `insert into t select 1, 'x' from generate_series(1, 500)`)
    const seen = new Map<string, string>()
    const read = async (name: string): Promise<void> => {
      const { answer, body } = await ask(endpoints, name)
      const items = (name === 'page' ? (body as { readonly items: unknown }).items : body) as readonly {
        readonly a: number
      }[] // rows of the table
      const content = JSON.stringify([...new Set(items.map(({ a }) => a))])
      expect(JSON.parse(content), `${name}: one content`).toHaveLength(1)
      const { etag } = full({ answer })
      if (etag === null) throw new Error('an ETag was due')
      expect(seen.get(etag) ?? content, 'one ETag, one content').toBe(content)
      seen.set(etag, content)
    }
    // Of the first content, too: what `query` keeps out has no rows.
    for (const name of ['t', 'page', 'query']) await read(name)
    let going = true
    const publishing = (async () => {
      for (let n = 2; n <= 41; n += 1) {
        if (n % 2 === 0) await bench.publish(`update t set a = ${n}`)
        else
          await bench
            .query(`create table t2 (a int, b text); insert into t2 select ${n}, 'x' from generate_series(1, 500)`)
            .then(() => bench.publish('alter table t rename to t1', 'alter table t2 rename to t', 'drop table t1'))
      }
      going = false
    })()
    const reader = async (name: string): Promise<void> => {
      while (going) await read(name)
    }
    await Promise.all([publishing, reader('t'), reader('t'), reader('page'), reader('query')])
    expect(seen.size).toBeGreaterThan(10)
  }, 60_000)
})
