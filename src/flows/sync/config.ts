import { z } from 'zod'
import { parseDuration } from '../../lib/duration.ts'
import type { Json } from '../../lib/json.ts'
import { type Files, fileReference } from '../../lib/reference.ts'
import type { SourceSpec } from '../flow.ts'
import { sourceOf, storeOf, writtenChanged, writtenSource } from '../source.ts'

const name = z.string().min(1)
const to = z.union([
  name.describe('a table of the application database, `schema.table` or just `table` (schema `public`)'),
  z.strictObject({
    table: name,
    schema: name.default('public'),
    store: name.default('database').describe('a PostgreSQL store of the config by name'),
  }),
])

const column = z.strictObject({
  type: name.optional().describe('a PostgreSQL type; default: what holds every value of the source column'),
  policy: z
    .enum(['error', 'null', 'clamp', 'string'])
    .default('error')
    .describe('what becomes of a value that the type cannot hold; every use is counted'),
  from: name.optional().describe("the source column's name; default: the same"),
})

const sqlText = z.union([z.string().min(1), fileReference])

/** What a user writes in `sync({…})`, besides the timing that every kind has. */
export const syncDefinition = z.strictObject({
  from: writtenSource.describe('where the rows come from'),
  to: to.describe('the table they go to; created if missing'),
  key: z.array(name).min(1).optional().describe('the columns that name a row'),
  mode: z
    .enum(['replace', 'upsert', 'append'])
    .default('replace')
    .describe(
      'replace: the target becomes the source; upsert: rows by key since the cursor, never deletes; append: new rows since the cursor',
    ),
  cursor: name.optional().describe('the column that grows, for upsert and append'),
  lookback: z
    .union([
      z.string().refine((text) => parseDuration(text) !== undefined, 'not a duration such as 2h or 7d'),
      z.number().min(0),
    ])
    .optional()
    .describe(
      'how far behind the newest cursor value to read again, for rows that commit late: a duration for dates and times, a number for numbers; 0 where none can',
    ),
  softDelete: name
    .optional()
    .describe('a boolean column that marks rows that left the source, instead of deleting them'),
  publish: z
    .enum(['in-place', 'swap'])
    .optional()
    .describe('how readers get to see it; default: the plan chooses and says why'),
  columns: z.record(name, column).optional().describe('by target column: type, policy, source name'),
  contract: z
    .enum(['evolve', 'freeze'])
    .default('evolve')
    .describe(
      "evolve: add the source's new columns as nullable, refuse narrowing; freeze: refuse any change of columns",
    ),
  latestBy: name.optional().describe('which of several rows of one key wins: the one with the largest value here'),
  guard: z
    .strictObject({
      minRows: z.int().min(0).default(1).describe('fewer rows are not published'),
      maxShrink: z
        .number()
        .min(0)
        .max(1)
        .default(0.5)
        .describe('losing more than this share of the rows is not published'),
    })
    .prefault({})
    .describe('what is suspicious about a source; `--force` publishes all the same'),
  changed: writtenChanged,
  beforePublish: sqlText.optional().describe('SQL inside the publishing transaction, before the rows'),
  afterPublish: sqlText.optional().describe('SQL inside the publishing transaction, after the rows'),
})

export type SyncDefinition = z.input<typeof syncDefinition>

/** How far behind the newest cursor value rows may still appear. */
export type Lookback = { readonly tag: 'time'; readonly ms: number } | { readonly tag: 'number'; readonly by: number }

/** Where a sync publishes. */
export interface Target {
  readonly store: string
  readonly schema: string
  readonly table: string
}

/** A sync as it runs: files read, templates rendered, defaults in place. */
export interface SyncOptions {
  readonly store: string
  readonly from: SourceSpec
  readonly to: Target
  readonly key: readonly string[]
  readonly mode: 'replace' | 'upsert' | 'append'
  readonly cursor: string | null
  /** Milliseconds for dates and times, else in the cursor's own unit. */
  readonly lookback: Lookback
  readonly softDelete: string | null
  readonly publish: 'in-place' | 'swap' | null
  readonly columns: Readonly<Record<string, ColumnOptions>>
  readonly contract: 'evolve' | 'freeze'
  readonly latestBy: string | null
  readonly guard: { readonly minRows: number; readonly maxShrink: number }
  readonly beforePublish: string | null
  readonly afterPublish: string | null
}

export interface ColumnOptions {
  readonly type: string | null
  readonly policy: 'error' | 'null' | 'clamp' | 'string'
  readonly from: string | null
}

/** Faults that the shape alone does not show: path below the flow → what is wrong. Pure. */
export function faultsOf(
  definition: z.output<typeof syncDefinition>,
): readonly { readonly path: string; readonly fault: string }[] {
  const faults: { path: string; fault: string }[] = []
  if (definition.mode === 'upsert' && definition.key === undefined)
    faults.push({ path: 'key', fault: 'mode upsert needs a key' })
  if (definition.mode === 'append' && definition.cursor === undefined)
    faults.push({ path: 'cursor', fault: 'mode append needs a cursor: without one the same rows would be added again' })
  if (definition.mode === 'replace' && definition.cursor !== undefined)
    faults.push({ path: 'cursor', fault: 'mode replace reads everything; a cursor belongs to upsert and append' })
  if (definition.cursor !== undefined && definition.lookback === undefined)
    faults.push({
      path: 'lookback',
      fault:
        'a cursor needs a lookback: a row whose transaction commits late has an older value than what was read already, and would be missed; lookback: 0 says that this cannot happen',
    })
  if (definition.lookback !== undefined && definition.cursor === undefined)
    faults.push({ path: 'lookback', fault: 'a lookback needs a cursor' })
  if (definition.latestBy !== undefined && definition.key === undefined)
    faults.push({ path: 'latestBy', fault: 'latestBy chooses among rows of one key; name the key' })
  if (definition.softDelete !== undefined && (definition.key === undefined || definition.mode !== 'replace'))
    faults.push({ path: 'softDelete', fault: 'softDelete needs a key and mode replace' })
  if (definition.publish === 'swap' && (definition.mode !== 'replace' || definition.softDelete !== undefined))
    faults.push({
      path: 'publish',
      fault: 'swap replaces the whole table; upsert, append and softDelete publish in place',
    })
  return faults
}

/** Turns what a user wrote into what runs. Reads the files it names. */
export function resolveSync(definition: z.output<typeof syncDefinition>, files: Files): SyncOptions {
  const text = (part: string | z.output<typeof fileReference> | undefined): string | null =>
    part === undefined ? null : typeof part === 'string' ? part : files.text(part)
  return {
    store: storeOf(definition.from),
    from: sourceOf(definition.from, definition.changed, files),
    to: targetOf(definition.to),
    key: definition.key ?? [],
    mode: definition.mode,
    cursor: definition.cursor ?? null,
    lookback: lookbackOf(definition.lookback ?? 0),
    softDelete: definition.softDelete ?? null,
    publish: definition.publish ?? null,
    columns: Object.fromEntries(
      Object.entries(definition.columns ?? {}).map(([target, { type, policy, from }]) => [
        target,
        { type: type ?? null, policy, from: from ?? null },
      ]),
    ),
    contract: definition.contract,
    latestBy: definition.latestBy ?? null,
    guard: definition.guard,
    beforePublish: text(definition.beforePublish),
    afterPublish: text(definition.afterPublish),
  }
}

/** What decides the content of the target, for `definition_hash`: not guard, not how it is published. */
export function contentOf(options: SyncOptions): Json {
  const { store, from, to, key, mode, cursor, lookback, softDelete, columns, latestBy } = options
  const { beforePublish, afterPublish } = options
  return {
    store,
    from: { ...from, changed: null },
    to: { ...to },
    key,
    mode,
    cursor,
    lookback: { ...lookback },
    softDelete,
    columns: Object.fromEntries(Object.entries(columns).map(([target, column]) => [target, { ...column }])),
    latestBy,
    beforePublish,
    afterPublish,
  }
}

function lookbackOf(lookback: string | number): Lookback {
  return typeof lookback === 'number'
    ? { tag: 'number', by: lookback }
    : { tag: 'time', ms: parseDuration(lookback) ?? 0 }
}

function targetOf(to: z.output<typeof syncDefinition>['to']): Target {
  if (typeof to !== 'string') return to
  const dot = to.indexOf('.')
  return dot < 0
    ? { store: 'database', schema: 'public', table: to }
    : { store: 'database', schema: to.slice(0, dot), table: to.slice(dot + 1) }
}
