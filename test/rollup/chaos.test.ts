/**
 * Eight writers of events and of what they are joined with, slow transactions and old snapshots among them, two who refresh, two backfills
 * that overlap and a worker that is killed every few seconds, while a reader looks at populated buckets all the time: never empty, and no
 * difference once everything is drained.
 * `SLUICE_CHAOS_SECONDS`: how long; a few seconds if left out.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import pg from 'pg'
import { openSluice } from '../../src/sluice.ts'
import { createProject } from '../support/project.ts'
import { difference, type Truth } from './truth.ts'

const seconds = Number(process.env['SLUICE_CHAOS_SECONDS'] ?? 12)
const killEveryMs = seconds > 30 ? 5000 : 3000
const grains = ['hour', 'day', 'week', 'month', 'year'] as const
const flow = {
  kind: 'rollup',
  from: { table: 'view', join: { blog: { table: 'blog', on: { id: 'blog' } } } },
  at: 'viewed_at',
  to: 'rolled',
  zone: 'America/New_York',
  grains: [...grains],
  by: { blog: 'blog', author: 'blog.author' },
  levels: [['blog', 'author'], ['author'], []],
  measures: { views: 'count', users: { distinct: 'usr' }, paid: { sum: 'paid' } },
  every: '1s',
}

test('totals are the truth whatever happens meanwhile', { timeout: (seconds + 180) * 1000 }, async () => {
  await using project = await createProject(
    `{ views: ${JSON.stringify(flow).replace('{"kind":"rollup",', 'rollup({')}) }`,
  )
  await project.query(`
    create table view (id bigint generated always as identity primary key, blog int, usr int, paid numeric, viewed_at timestamptz not null);
    insert into view (blog, usr, paid, viewed_at)
      select i % 20, i % 500, i % 7, date_trunc('hour', now()) - interval '60 days' + (i % 1400) * interval '1 hour' from generate_series(1, 20000) i;
    create index on view (viewed_at); create index on view (blog);
    create table blog (id int primary key, author int); insert into blog select i, i % 4 from generate_series(0, 1999) i;`)
  const config = { project: 'project', database: project.url, flows: { views: flow } }
  const open = (): ReturnType<typeof openSluice> => openSluice({ directory: project.directory, config })
  await using one = await open()
  await using two = await open()
  await one.run(['views'])

  const over = performance.now() + seconds * 1000
  const goesOn = (): boolean => performance.now() < over
  let [written, empties, reads, kills, runs] = [0, 0, 0, 0, 0]

  const writer = async (n: number): Promise<void> => {
    const client = new pg.Client(project.url)
    await client.connect()
    let turn = 0
    while (goesOn()) {
      turn += 1
      const when = `date_trunc('hour', now()) - interval '60 days' + ${(n * 97 + turn * 31) % 1400} * interval '1 hour' + interval '7 minutes'`
      // Its snapshot is older than what others commit meanwhile, hence it writes no rows that they do.
      const repeatable = turn % 3 === 0
      await client.query(repeatable ? 'begin isolation level repeatable read' : 'begin')
      if (turn % 12 === 0) {
        await client.query('select from view limit 1')
        await sleep(200)
      }
      // All write events of the same blog for a moment, while one changes it, and never again: nothing makes up for what is missed then.
      const blog = 1000 + (Math.floor((over - performance.now()) / 200) % 1000)
      await client.query(
        `insert into view (blog, usr, paid, viewed_at) select ${blog}, ${n * 1000} + i, 1, ${when} from generate_series(1, 3) i`,
      )
      if (turn % 5 === 0 && !repeatable)
        await client.query(
          `update view set viewed_at = viewed_at + interval '3 days', blog = (blog + 1) % 20 where id % 1009 = ${(turn * 7 + n) % 1009} and viewed_at < now() - interval '5 days'`,
        )
      if (turn % 7 === 0 && !repeatable)
        await client.query(`delete from view where id % 2003 = ${(turn * 11 + n) % 2003} and usr >= 1000`)
      if (blog % 8 === n) await client.query(`update blog set author = (author + 1) % 4 where id = ${blog}`)
      // A transaction whose rows are older than those of many that commit before it.
      if (turn % 4 === 0) await sleep(150 + (turn % 9) * 60)
      await client.query(turn % 13 === 0 ? 'rollback' : 'commit')
      written += 1
    }
    await client.end()
  }
  const refresher = async (sluice: Awaited<ReturnType<typeof open>>): Promise<void> => {
    while (goesOn()) {
      await sluice.run(['views'])
      runs += 1
      await sleep(100)
    }
  }
  const reader = async (): Promise<void> => {
    const client = new pg.Client(project.url)
    await client.connect()
    // Buckets that always have events: nobody deletes what was there at first, and each hour has more than can be moved away.
    const { rows: watched } = await client.query<{ grain: string; bucket: Date }>(
      `select distinct on (grain) grain, bucket from rolled where level = 'total' and bucket < now() - interval '20 days' order by grain, views desc`,
    )
    while (goesOn()) {
      const { rows } = await client.query<{ n: number }>(
        `select count(*)::int as n from unnest($1::text[], $2::timestamptz[]) w (grain, bucket)
         where exists (select from rolled r where r.grain = w.grain and r.bucket = w.bucket and r.level = 'total' and r.views > 0)`,
        [watched.map(({ grain }) => grain), watched.map(({ bucket }) => bucket)],
      )
      reads += 1
      if (rows[0]?.n !== watched.length) empties += 1
      await sleep(10)
    }
    await client.end()
  }
  const victim = async (): Promise<void> => {
    while (goesOn()) {
      const worker = project.start(['up', '--only', 'worker,scheduler'], { SLUICE_LEASE_MS: '1500' })
      await sleep(killEveryMs)
      worker.process.kill('SIGKILL')
      await worker.ended
      kills += 1
    }
  }
  const backfill = async (sluice: Awaited<ReturnType<typeof open>>, from: number, to: number): Promise<string> => {
    const day = (ago: number): string => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10)
    const { id } = await sluice.engine.backfills.create(
      {
        flow:
          sluice.flows[0]?.name ??
          (() => {
            throw new Error('no flow')
          })(),
        from: day(from),
        to: day(to),
        slices: null,
        force: true,
      },
      'test',
    )
    return id
  }
  const backfills = [await backfill(one, 50, 20), await backfill(two, 35, 5)]
  await Promise.all([
    ...Array.from({ length: 8 }, (_, n) => writer(n)),
    refresher(one),
    refresher(two),
    reader(),
    victim(),
  ])

  // Drained, by whoever asks: what is begun ends, whoever was killed at it, and what is marked is counted.
  for (const id of backfills) await one.engine.backfills.ensure(id)
  const [last] = await one.run(['views'])
  expect(last?.error ?? null).toBeNull()
  const position = await project.query<{ through: string }>(
    `select value ->> 'through' as through from sluice.position`,
  )
  const truth: Truth = {
    table: 'rolled',
    grains,
    zone: 'America/New_York',
    events: `from view v left join blog b on b.id = v.blog where v.viewed_at < '${position[0]?.through ?? ''}'`,
    at: 'v.viewed_at',
    dimensions: ['blog', 'author'],
    levels: { 'blog+author': { blog: 'v.blog', author: 'b.author' }, author: { author: 'b.author' }, total: {} },
    measures: { views: 'count(*)', users: 'count(distinct v.usr)', paid: 'sum(v.paid)' },
  }
  const rolled = { ...project, database: project.database, name: '', [Symbol.asyncDispose]: async () => {} }
  expect(await difference(rolled, truth)).toEqual([])
  expect(empties).toBe(0)
  expect(written).toBeGreaterThan(seconds * 10)
  expect(reads).toBeGreaterThan(seconds * 10)
  expect(kills).toBeGreaterThan(0)
  for (const id of backfills) expect((await one.engine.backfills.get(id)).state).toBe('done')
  process.stdout.write(
    `${seconds} s: ${written} transactions, ${runs} runs, ${reads} reads, ${empties} empty, ${kills} kills` + '\n',
  )
})
