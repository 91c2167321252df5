import type { Ddl, Flow, FlowEnd, Kind, LookContext } from '../flow.ts'
import { endOf } from '../source.ts'
import { approximateWords, levelName, type RollupOptions, type TableRef } from './config.ts'
import { lookRollup, type RollupFacts } from './facts.ts'
import { inspectRollup } from './inspect.ts'
import { dueStretches, planRollup, refuseRollup, type RollupDetail } from './plan.ts'
import { runRollup } from './run.ts'
import { readStanding } from './sql/table.ts'
import { verifyRollup } from './verify.ts'

/** `rollup`: events counted by hour to year, in a table of the application database. */
export const rollup: Kind<RollupOptions, RollupFacts, RollupDetail> = {
  kind: 'rollup',
  due: (flow, due) => dueStretches(flow, due).map(({ slice }) => slice),
  ends: ({ options: { from, to } }) => ({
    reads: from.tag === 'table' ? [from, ...from.joins].map(tableEnd) : [endOf(from.store, from.source)],
    writes: [tableEnd(to)],
  }),
  refuse: refuseRollup,
  facts: async (flow, request, context) => {
    const facts = await lookRollup(flow, request, context)
    await facts.events.refuseUncountable(context.state)
    return facts
  },
  plan: planRollup,
  run: runRollup,
  // All that a run does is one transaction.
  tidy: async () => {},
  verify: verifyRollup,
  ddl,
  inspect: inspectRollup,
}

const tableEnd = ({ schema, table }: TableRef): FlowEnd => ({
  store: 'database',
  tag: 'table',
  name: `${schema}.${table}`,
})

async function ddl(flow: Flow<RollupOptions>, { state, stores, signal }: LookContext): Promise<Ddl> {
  const { from, to, grains, levels, measures } = flow.options
  const standing = await readStanding(state, to)
  const events = await columnsIn(from, { state, stores, signal })
  const source = `-- events of ${events.name}\n${events.columns.map(({ name, type }) => `--   ${name} ${type}`).join('\n')}`
  const target =
    standing === null
      ? `-- ${to.schema}.${to.table} is created by the first run: grain, level, bucket, dimensions, measures;\n-- by ${grains.join(', ')}; levels ${levels.map(levelName).join(', ')}`
      : `create table ${to.schema}.${to.table} (\n${standing.map(({ name, type }) => `  "${name.replaceAll('"', '""')}" ${type}`).join(',\n')}\n);`
  const marked = approximateWords(measures)
  return { source, target: marked === null ? target : `${target}\n-- ${marked}`, columns: [], problem: null }
}

async function columnsIn(
  from: RollupOptions['from'],
  { state, stores, signal }: Pick<LookContext, 'state' | 'stores' | 'signal'>,
): Promise<{ readonly name: string; readonly columns: readonly { readonly name: string; readonly type: string }[] }> {
  if (from.tag === 'table')
    return { name: `${from.schema}.${from.table}`, columns: (await readStanding(state, from)) ?? [] }
  const source = await stores.source(from.store, from.source)
  const columns = await source.columns(signal)
  return {
    name: source.description,
    columns: columns.map(({ name, sourceType }) => ({ name, type: sourceType })),
  }
}
