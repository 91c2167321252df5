import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createProject } from './support/project.ts'

const rows = 3_000_000

test('a killed command goes on in the next one, which waits for no more than its own runs', async () => {
  await using project = await createProject(
    `{ big: sync({ from: { query: 'select range as id, md5(range::text) as t from range(${rows})' }, to: 'big', key: ['id'] }), small: sync({ from: { query: 'select 1 as id', store: 'lake' }, to: 'small' }) }`,
    { top: `stores: { lake: { duckdb: ':memory:' } },` },
  )
  const env = { SLUICE_LEASE_MS: '2000' }
  const first = project.start(['run', 'big', '--force'], env)
  await new Promise<void>((resolve) => {
    first.process.stderr?.on('data', (text: string) => {
      if (/read|load/.test(text)) resolve()
    })
  })
  first.process.kill('SIGKILL')
  await first.ended
  await sleep(2500)
  expect((await project.sluice(['runs'], env)).stdout).toContain('interrupted, waits for a worker')
  const small = await project.sluice(['run', 'small'], env)
  expect(small).toMatchObject({ code: 0 })
  expect(small.stdout).toMatch(/small +succeeded/)
  expect(small.stderr).toMatch(/left unfinished: run \S+ of big; `sluice run big` or `sluice up` goes on/)
  const next = await project.sluice(['run', 'big'], env)
  expect(next).toMatchObject({ code: 0 })
  expect(next.stderr).toMatch(/big: warn: took up run \S+ of big, interrupted at/)
  expect(await project.query('select count(*)::int as n from big')).toEqual([{ n: rows }])
  expect(
    await project.query(
      "select relname from pg_class c join pg_namespace n on n.oid = relnamespace where nspname = 'sluice_staging'",
    ),
  ).toEqual([])
}, 60_000)
