import { SluiceError } from '../../lib/error.ts'
import { readTable } from '../../stores/postgres/schema.ts'
import { formatPgType } from '../../transfer/pgtype.ts'
import type { Ddl, Finding, Flow, FlowEnd, Kind, LookContext } from '../flow.ts'
import { endOf } from '../source.ts'
import { planColumns } from './columns.ts'
import { pairColumns } from './drift.ts'
import type { SyncOptions } from './config.ts'
import { planSync, publishedMark, refuseSync, standingColumns, whole, type SyncDetail, type SyncFacts } from './plan.ts'
import { runSync, tidySync } from './run.ts'
import { verifySync } from './verify.ts'

/** `sync`: rows of a query, a table or files of a store, in a table of the application database. */
export const sync: Kind<SyncOptions, SyncFacts, SyncDetail> = {
  kind: 'sync',
  due: () => [whole],
  ends: ({ options }) => ({ reads: [endOf(options.store, options.from)], writes: [target(options)] }),
  refuse: refuseSync,
  facts: async (flow, _request, context) => look(flow, context),
  plan: planSync,
  run: runSync,
  tidy: tidySync,
  verify: verifySync,
  ddl,
  inspect,
}

function target({ to }: SyncOptions): FlowEnd {
  return { store: to.store, tag: 'table', name: `${to.schema}.${to.table}` }
}

async function look(flow: Flow<SyncOptions>, context: LookContext): Promise<SyncFacts> {
  const { options } = flow
  const [source, target] = await Promise.all([lookAtSource(options, context), lookAtTarget(options, context)])
  return { ...source, target }
}

async function lookAtSource(
  { store, from }: SyncOptions,
  { stores, signal }: LookContext,
): Promise<Omit<SyncFacts, 'target'>> {
  const source = await stores.source(store, from)
  // The mark comes first: a source that changes while it is read is read again next time, never taken as read.
  const mark = await source.mark(signal)
  return { description: source.description, mark, source: await source.columns(signal) }
}

async function lookAtTarget({ to }: SyncOptions, { stores }: LookContext): Promise<SyncFacts['target']> {
  return await readTable(await stores.database(to.store), to)
}

async function ddl(flow: Flow<SyncOptions>, context: LookContext): Promise<Ddl> {
  const { options } = flow
  const facts = await look(flow, context)
  const source = `-- ${facts.description}\n${facts.source.map(({ name, sourceType }) => `--   ${name} ${sourceType}`).join('\n')}`
  const columns = pairColumns(options, facts.source, facts.target)
  try {
    return { source, target: creation(options, facts), columns, problem: null }
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    return { source, target: '', columns, problem: error.toJSON() }
  }
}

/** The table as the flow would create it. */
function creation(options: SyncOptions, facts: SyncFacts): string {
  const { columns } = planColumns(options, facts.source, standingColumns(facts.target), null)
  const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
  const lines = columns.map(
    ({ target: name, type }) =>
      `  ${quoted(name)} ${formatPgType(type)}${options.key.includes(name) ? ' not null' : ''}`,
  )
  const key = options.key.length === 0 ? [] : [`  primary key (${options.key.map(quoted).join(', ')})`]
  return `create table ${quoted(options.to.schema)}.${quoted(options.to.table)} (\n${[...lines, ...key].join(',\n')}\n);`
}

async function inspect(flow: Flow<SyncOptions>, context: LookContext): Promise<readonly Finding[]> {
  const { options } = flow
  const about = flow.name
  try {
    const facts = await look(flow, context)
    const before = publishedMark(context.slices.get(whole.key) ?? null)
    const { columns, added } = planColumns(
      options,
      facts.source,
      standingColumns(facts.target),
      before?.columns ?? null,
    )
    const table = `${options.to.schema}.${options.to.table}`
    return [
      { severity: 'fine', about, says: `reads ${columns.length} columns from ${facts.description}`, fix: null },
      ...(facts.target !== null && !facts.target.alterable
        ? [
            {
              severity: 'warning' as const,
              about,
              says: `this role does not own ${table}: it can publish in place only`,
              fix: `alter table ${table} owner to …`,
            },
          ]
        : []),
      ...added.map((name) => ({
        severity: 'warning' as const,
        about,
        says: `the next run adds column ${name} to ${table}`,
        fix: null,
      })),
    ]
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    return [{ severity: 'problem', about, says: `${error.summary}: ${error.why}`, fix: error.fix }]
  }
}
