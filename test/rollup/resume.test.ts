/** A backfill of a year of days, killed on the way: it goes on, repeats nothing, and does exactly what was announced. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createProject, type Project } from '../support/project.ts'

const flow = `rollup({ from: 'view', at: 'viewed_at', to: 'rolled', grains: ['hour', 'day'], measures: { views: 'count' } })`

interface Backfill {
  readonly id: string
  readonly state: string
  readonly slices: { readonly total: number; readonly succeeded: number }
}

async function newest(project: Project): Promise<Backfill | undefined> {
  const { stdout } = await project.sluice(['backfill', 'list', '--json'])
  return (JSON.parse(stdout) as { backfills: Backfill[] }).backfills[0]
}

test('killed at 40 %, it goes on where it was', { timeout: 240_000 }, async () => {
  await using project = await createProject(`{ views: ${flow} }`)
  await project.query(`
    create table view (id int primary key, viewed_at timestamptz not null);
    insert into view select i, timestamptz '2024-01-01 00:30+00' + i * interval '61 minutes' from generate_series(1, 8640) i;
    create index on view (viewed_at);`)
  expect(await project.sluice(['run', 'views'])).toMatchObject({ code: 0 })
  await project.query('update rolled set views = 99')
  const range = ['backfill', 'views', '--grain', 'hour', '--from', '2024-01-01', '--to', '2024-12-30', '--force']
  const dry = JSON.parse((await project.sluice([...range, '--dry-run', '--json'])).stdout) as {
    slices: { key: string }[]
  }
  expect(dry.slices).toHaveLength(365)
  expect(dry.slices[0]?.key).toBe('2024-12-30[UTC]/hour')

  const first = project.start(range, { SLUICE_LEASE_MS: '1500' })
  const seen: number[] = []
  for (let done = 0; done < 146; await sleep(100)) {
    const rows = await project.query<{ n: number }>(
      `select count(*)::int as n from sluice.backfill_slice where outcome = 'succeeded'`,
    )
    done = rows[0]?.n ?? 0
    seen.push(done)
  }
  first.process.kill('SIGKILL')
  await first.ended
  const before = await project.query<{ key: string; run: string }>(
    `select key, run::text from sluice.backfill_slice where outcome = 'succeeded'`,
  )
  expect(before.length).toBeLessThan(360)

  const { id = '' } = (await newest(project)) ?? {}
  const second = project.start(['backfill', 'resume', id], { SLUICE_LEASE_MS: '1500' })
  const watching = (async () => {
    for (let state = ''; state !== 'done'; await sleep(200)) {
      const rows = await project.query<{ n: number; state: string }>(
        `select b.state, (select count(*)::int from sluice.backfill_slice where outcome is not null) as n from sluice.backfill b`,
      )
      seen.push(rows[0]?.n ?? 0)
      state = rows[0]?.state ?? ''
    }
  })()
  expect(await second.ended).toMatchObject({ code: 0 })
  await watching
  expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  const after = await project.query<{ key: string; run: string; outcome: string }>(
    `select key, run::text, outcome from sluice.backfill_slice order by ordinal desc`,
  )
  expect(after.map(({ key }) => key)).toEqual(dry.slices.map(({ key }) => key))
  expect(after.every(({ outcome }) => outcome === 'succeeded')).toBe(true)
  const runs = new Map(after.map(({ key, run }) => [key, run]))
  expect(before.filter(({ key, run }) => runs.get(key) !== run)).toEqual([])
  expect(
    await project.query(
      `select count(*)::int as n from rolled where grain = 'hour' and views = 99 and bucket < '2024-12-31'`,
    ),
  ).toEqual([{ n: 0 }])
})
