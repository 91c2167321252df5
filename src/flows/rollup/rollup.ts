import type { Ddl, Flow, Kind, LookContext } from '../flow.ts'
import { approximateWords, levelName, type RollupOptions } from './config.ts'
import { refuseUncountable } from './countable.ts'
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
  ends: ({ options }) => ({
    reads: [options.from, ...options.joins].map(({ schema, table }) => ({
      store: 'database',
      tag: 'table',
      name: `${schema}.${table}`,
    })),
    writes: [{ store: 'database', tag: 'table', name: `${options.to.schema}.${options.to.table}` }],
  }),
  refuse: refuseRollup,
  facts: async (flow, request, context) => {
    const facts = await lookRollup(flow, request, context)
    await refuseUncountable(context.state, flow, facts.source)
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

async function ddl({ options }: Flow<RollupOptions>, { state }: LookContext): Promise<Ddl> {
  const { from, to, grains, levels, measures } = options
  const standing = await readStanding(state, to)
  const events = (await readStanding(state, from)) ?? []
  const source = `-- events of ${from.schema}.${from.table}\n${events.map(({ name, type }) => `--   ${name} ${type}`).join('\n')}`
  const target =
    standing === null
      ? `-- ${to.schema}.${to.table} is created by the first run: grain, level, bucket, dimensions, measures;\n-- by ${grains.join(', ')}; levels ${levels.map(levelName).join(', ')}`
      : `create table ${to.schema}.${to.table} (\n${standing.map(({ name, type }) => `  "${name.replaceAll('"', '""')}" ${type}`).join(',\n')}\n);`
  const marked = approximateWords(measures)
  return { source, target: marked === null ? target : `${target}\n-- ${marked}`, columns: [], problem: null }
}
