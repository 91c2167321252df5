/** What makes a staged table the equal of the target before it takes its place: keys, constraints, indexes, statistics. */
import { ident, idents, join, raw, sql, type Query, type Session } from '../../../lib/sql.ts'
import { sqlState } from '../errors.ts'
import type { IndexFacts, StatisticsFacts, TableFacts } from '../table.ts'
import { refuseBadKeys, refuseDuplicates, refuseNulls } from './keys.ts'
import { stageOf } from './stage.ts'
import { option, stageName, stagingSchema } from './staging.ts'
import { aboutTarget, type Target } from './target.ts'

/** Names that are the staging table's alone: the real ones belong to the target until the swap. */
export const temporaryIndex = (target: Target, n: number): string => `${stageName(target.request)}_i${n}`
export const temporaryStatistics = (target: Target, n: number): string => `${stageName(target.request)}_s${n}`

/** One thing to build; `unique` names the columns that have to be, so that a collision can be explained. */
interface Step {
  readonly statement: Query
  readonly unique: readonly string[] | null
}

/**
 * Builds in one transaction; the staging table stays as it was if it fails.
 *
 * @throws SluiceError `KEY_NULL`, `KEY_DUPLICATE`; `STORE_QUERY` when a constraint of the target does not hold for the new rows.
 */
export async function build(
  transaction: (work: (tx: Session) => Promise<void>) => Promise<void>,
  target: Target,
  rows: number,
): Promise<void> {
  let building: Step | undefined
  try {
    await transaction(async (tx) => {
      if (!primaryIsKey(target) && target.request.key.length > 0) {
        await refuseBadKeys(tx, target, rows)
      }
      for (building of steps(target)) {
        await tx.run(building.statement)
      }
      building = undefined
      await tx.run(sql`analyze ${stageOf(target)}`)
    })
  } catch (error) {
    await explain(transaction, target, building, error)
    throw aboutTarget(error, target)
  }
}

/** Whether the primary key that is built checks the flow's key by itself; then no extra pass over the rows is needed. */
function primaryIsKey({ facts, request }: Target): boolean {
  const primary = facts === null ? request.key : facts.primaryKey
  return primary !== null && [...primary].sort().join('\0') === [...request.key].sort().join('\0')
}

/** A unique index that could not be built: which values collide, or are null. Throws what it finds. */
async function explain(
  transaction: (work: (tx: Session) => Promise<void>) => Promise<void>,
  target: Target,
  step: Step | undefined,
  error: unknown,
): Promise<void> {
  const state = sqlState(error)
  if (step === undefined || (state !== '23505' && state !== '23502')) return
  await transaction(async (tx) => {
    if (target.request.key.length > 0) await refuseNulls(tx, target)
    if (step.unique !== null) await refuseDuplicates(tx, target, step.unique)
  })
}

function steps(target: Target): readonly Step[] {
  const { facts, request } = target
  const stage = stageOf(target)
  const alter = (change: Query, unique: readonly string[] | null = null): Step => ({
    statement: sql`alter table ${stage} ${change}`,
    unique,
  })
  if (facts === null) {
    if (request.key.length === 0) return []
    const name = ident(temporaryIndex(target, 0))
    return [alter(sql`add constraint ${name} primary key (${idents(request.key)})`, request.key)]
  }
  const checks = facts.constraints.filter(({ type }) => type === 'check')
  const foreign = facts.constraints.filter(({ type }) => type === 'foreign key')
  return [
    ...facts.indexes.flatMap((index, n) => indexSteps(target, facts, index, n)),
    ...together(
      target,
      checks.map(({ name, definition }) => sql`add constraint ${ident(name)} ${raw(definition)}`),
    ),
    // In two steps: checking the rows then locks neither the referenced table's writers nor its readers.
    ...foreign.flatMap(({ name, definition }) => {
      if (/NOT (VALID|ENFORCED)$/.test(definition))
        return [alter(sql`add constraint ${ident(name)} ${raw(definition)}`)]
      return [
        alter(sql`add constraint ${ident(name)} ${raw(definition)} not valid`),
        alter(sql`validate constraint ${ident(name)}`),
      ]
    }),
    ...facts.statistics.flatMap((statistics, n) =>
      statisticsSteps(target, statistics, n).map((statement) => ({ statement, unique: null })),
    ),
  ]
}

/** Changes that look at every row, in one statement: one pass over the rows for all of them. */
function together(target: Target, changes: readonly Query[]): Step[] {
  if (changes.length === 0) return []
  return [{ statement: sql`alter table ${stageOf(target)} ${join(changes, ', ')}`, unique: null }]
}

function indexSteps(target: Target, facts: TableFacts, index: IndexFacts, n: number): Step[] {
  const name = temporaryIndex(target, n)
  const unique = index.unique && !index.partial ? index.columns : null
  const constraint = facts.constraints.find((one) => one.name === index.constraint)
  const tablespace = index.tablespace === null ? raw('') : sql` tablespace ${ident(index.tablespace)}`
  // A constraint's definition leaves out how its index is stored.
  const stored = index.options.map((text) => sql`alter index ${ident(stagingSchema, name)} set (${option(text)})`)
  if (constraint !== undefined) {
    const add = sql`alter table ${stageOf(target)} add constraint ${ident(name)} ${raw(constraint.definition)}`
    const moved = index.tablespace === null ? [] : [sql`alter index ${ident(stagingSchema, name)} set${tablespace}`]
    return [{ statement: add, unique }, ...[...stored, ...moved].map((statement) => ({ statement, unique: null }))]
  }
  const create = index.unique ? 'create unique index' : 'create index'
  // `where` comes after the tablespace, and the definition has both `using` and `where` in it.
  const [before, where] = splitPredicate(index)
  const statement = sql`${raw(create)} ${ident(name)} on ${stageOf(target)} ${raw(before)}${tablespace}${raw(where)}`
  return [{ statement, unique }]
}

function splitPredicate({ definition, partial, tablespace }: IndexFacts): readonly [string, string] {
  if (!partial || tablespace === null) return [definition, '']
  const at = definition.indexOf(' WHERE ')
  return [definition.slice(0, at), definition.slice(at)]
}

function statisticsSteps(target: Target, { kinds, on, target: goal }: StatisticsFacts, n: number): Query[] {
  const name = ident(stagingSchema, temporaryStatistics(target, n))
  const list = kinds.length === 0 ? raw('') : raw(`(${kinds.join(', ')}) `)
  return [
    sql`create statistics ${name} ${list}on ${raw(on)} from ${stageOf(target)}`,
    ...(goal === null ? [] : [sql`alter statistics ${name} set statistics ${raw(String(goal))}`]),
  ]
}
