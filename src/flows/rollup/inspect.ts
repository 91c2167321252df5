/** What `doctor` says of rollups: what keeps them from being counted, what makes it slow, and what would go unnoticed. */
import { SluiceError } from '../../lib/error.ts'
import type { Sql } from '../../lib/sql.ts'
import { whateverIsDue, type Finding, type Flow, type LookContext } from '../flow.ts'
import type { Join, RollupOptions, TableRef, TableRollup } from './config.ts'
import { overTable } from './events/table.ts'
import { lookRollup } from './facts.ts'
import { hasIndexOf, isUniqueBy, readSubscribed } from './sql/catalog.ts'
import { keyOf } from './sql/keys.ts'
import { readStrayFunctions } from './sql/tracked.ts'

const nameOf = ({ schema, table }: TableRef): string => `${schema}.${table}`

export async function inspectRollup(flow: Flow<RollupOptions>, context: LookContext): Promise<readonly Finding[]> {
  const { options, name: about } = flow
  const warning = (says: string, fix: string): Finding => ({ severity: 'warning', about, says, fix })
  try {
    const facts = await lookRollup(flow, whateverIsDue, context)
    const { events } = facts
    const table = events.name
    await events.refuseUncountable(context.state)
    const found: Finding[] = [{ severity: 'fine', about, says: `counts the events of ${table}`, fix: null }]
    if (!events.indexed && options.from.tag === 'table')
      found.push(
        warning(
          `no index finds events of ${table} by ${options.at}: every run reads all of them`,
          `create index concurrently on ${table} (${options.at})`,
        ),
      )
    if ((facts.untracked !== null || facts.switched) && facts.position !== null)
      found.push(
        warning(
          `triggers that mark changes are missing on ${table}, or are or were switched off: the next run counts everything anew`,
          `sluice run ${about}`,
        ),
      )
    const over = overTable(flow)
    if (over === null) return found
    const { from } = over.options
    for (const join of from.joins) found.push(...(await inspectJoin(context.state, over, join, warning)))
    if (options.track.tag === 'triggers') {
      const tables = [from, ...from.joins, ...facts.parts.all.map(({ part }) => part)]
      for (const one of await readSubscribed(context.state, tables))
        found.push(
          warning(
            `${nameOf(one)} is written by a logical replication subscription, which fires none of the triggers that mark changes: they are not counted`,
            `set track: { lookback: '3d' }; what is older: sluice run ${about} --force`,
          ),
        )
    }
    return found
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    return [{ severity: 'problem', about, says: `${error.code}: ${error.summary}: ${error.why}`, fix: error.fix }]
  }
}

async function inspectJoin(
  db: Sql,
  { options }: Flow<TableRollup>,
  join: Join,
  warning: (says: string, fix: string) => Finding,
): Promise<readonly Finding[]> {
  const found: Finding[] = []
  const key = keyOf(join)
  if (!(await isUniqueBy(db, join, key)))
    found.push(
      warning(
        `no unique index keeps an event from finding two rows of ${nameOf(join)} by ${key.join(', ')}: it would be counted for each`,
        `create unique index concurrently on ${nameOf(join)} (${key.join(', ')})`,
      ),
    )
  if (options.track.tag !== 'triggers') return found
  for (const [alias, on] of Map.groupBy(join.on, ({ ours }) => ours.of)) {
    const owner = options.from.joins.find((one) => one.alias === alias) ?? options.from
    const columns = [...new Set(on.map(({ ours }) => ours.column))]
    if (await hasIndexOf(db, owner, columns)) continue
    found.push(
      warning(
        `no index finds rows of ${nameOf(owner)} by ${columns.join(', ')}: whoever looks up what a change of ${nameOf(join)} touches reads all of them`,
        `create index concurrently on ${nameOf(owner)} (${columns.join(', ')})`,
      ),
    )
  }
  return found
}

/** Triggers of rollups that are no more: `kept` are the names of those that are. */
export async function inspectStrays(
  { state, stateSchema: schema, project }: Pick<LookContext, 'state' | 'stateSchema' | 'project'>,
  kept: readonly string[],
): Promise<readonly Finding[]> {
  const strays = await readStrayFunctions(state, { schema, project }, kept)
  return strays.map(({ flow, drop, tables }) => ({
    severity: 'warning',
    about: flow,
    says: `it is no rollup of the config any more, but ${tables.length === 0 ? 'its trigger functions are there' : `${tables.map(nameOf).join(', ')} still ${tables.length === 1 ? 'has' : 'have'} its triggers`}: they mark changes that nobody counts`,
    fix: drop.sql,
  }))
}
