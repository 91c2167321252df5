/** A rollup beside what it counts: its project, and the counts as plain SQL of PostgreSQL's own calendar makes them. */
import { expect } from 'vitest'
import { openSluice, type Sluice } from '../../src/sluice.ts'
import type { Grain } from '../../src/lib/grain.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Counted extends AsyncDisposable {
  readonly db: TestDatabase
  /** Of the project. */
  readonly directory: string
  readonly sluice: Sluice
  /** Another Sluice of the same project, with other options. */
  again(options: object): Promise<Sluice>
}

/** A project of one rollup, `views`, with its database; nothing is run. */
export async function counted(version: 18 | 14, setUp: string, options: object): Promise<Counted> {
  const db = await createDatabase({ version })
  await db.query(setUp)
  const directory = await mkdtemp(join(tmpdir(), 'sluice-rollup-'))
  const opened: Sluice[] = []
  const again = async (more: object): Promise<Sluice> => {
    const flows = { views: { kind: 'rollup', ...more } }
    const sluice = await openSluice({ directory, config: { project: 'rolled', database: db.url, flows } })
    opened.push(sluice)
    return sluice
  }
  return {
    db,
    directory,
    sluice: await again(options),
    again,
    [Symbol.asyncDispose]: async () => {
      for (const one of opened) await one.close()
      await db[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** The beginning of a bucket, by PostgreSQL's own calendar. */
export function truncated(grain: Grain, at: string, zone: string, weekStart: 'monday' | 'sunday' = 'monday'): string {
  if (grain === 'quarter-hour') return `date_bin('15 minutes', ${at}, '2000-01-01Z')`
  if (grain !== 'week' || weekStart === 'monday') return `date_trunc('${grain}', ${at}, '${zone}')`
  return `((date_trunc('week', (${at} at time zone '${zone}') + interval '1 day') - interval '1 day') at time zone '${zone}')`
}

export interface Truth {
  readonly table: string
  readonly grains: readonly Grain[]
  readonly zone: string
  readonly weekStart?: 'monday' | 'sunday'
  /** `from view v join …`, with the condition that bounds them. */
  readonly events: string
  readonly at: string
  /** Level → dimension → expression; a dimension that the level lacks is left out. */
  readonly levels: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly dimensions: readonly string[]
  readonly measures: Readonly<Record<string, string>>
}

/** Rows that are in one and not in the other. */
export async function difference(db: TestDatabase, truth: Truth): Promise<readonly object[]> {
  const { table, grains, zone, weekStart, events, at, levels, dimensions, measures } = truth
  const parts = grains.flatMap((grain) =>
    Object.entries(levels).map(([level, by]) => {
      const bucket = truncated(grain, at, zone, weekStart)
      const shown = dimensions.map((name) => `(${by[name] ?? 'null'})::text`)
      const groups = [bucket, ...dimensions.flatMap((name) => (by[name] === undefined ? [] : [by[name]]))]
      const values = Object.values(measures).map((one) => `(${one})::numeric`)
      return `select '${grain}' as grain, '${level}' as level, ${bucket} as bucket, ${[...shown, ...values].join(', ')} ${events} group by ${groups.join(', ')}`
    }),
  )
  const own = `select grain, level, bucket, ${[
    ...dimensions.map((name) => `"${name}"::text`),
    ...Object.keys(measures).map((name) => `round("${name}"::numeric, 9)`),
  ].join(', ')} from ${table} where grain in (${grains.map((one) => `'${one}'`).join(', ')})`
  const raw = parts.join(' union all ')
  const rounded = `select grain, level, bucket, ${[
    ...dimensions.map((_, index) => `d${index}`),
    ...Object.keys(measures).map((_, index) => `round(m${index}, 9)`),
  ].join(', ')} from (${raw}) as r (grain, level, bucket, ${[
    ...dimensions.map((_, index) => `d${index}`),
    ...Object.keys(measures).map((_, index) => `m${index}`),
  ].join(', ')})`
  return await db.query(
    `select * from ((select 'missing' as what, x.* from (${rounded} except all ${own}) as x) union all (select 'extra', y.* from (${own} except all ${rounded}) as y)) as d limit 20`,
  )
}

export async function ran(sluice: Sluice, options: object = {}): Promise<void> {
  const [record] = await sluice.run(['views'], options)
  expect(record?.error ?? null, JSON.stringify(record?.error)).toBeNull()
  expect(record?.outcome).toMatch(/^(succeeded|skipped)$/)
}
