import { Command } from 'commander'
import type { FlowStatus } from '../../runs/engine.ts'
import type { Sluice } from '../../sluice.ts'
import { chosenFlows } from '../flows.ts'
import { formatCount, formatRelative } from '../format.ts'
import { act, type ExitCode, type Invocation } from '../invocation.ts'
import type { Output } from '../output.ts'
import { formatState } from '../progress.ts'
import { type Recommendation, recommendationsOf } from '../../api/recommend.ts'
import { sayStores } from '../stores.ts'
import { formatTable } from '../table.ts'

export function statusCommand(): Command {
  return new Command('status')
    .description('rows, freshness, due times, last runs, and what to do next')
    .argument('[flows...]', 'only these; default: all')
    .addHelpText(
      'after',
      `
Exits with 3 when a flow is failed, late or stale.

Examples:
  $ sluice status
  $ sluice status teacher_data --json`,
    )
    .action(act(status))
}

async function status(invocation: Invocation, named: readonly string[]): Promise<ExitCode> {
  const sluice = await invocation.open()
  sayStores(sluice, invocation.out)
  return printStatus(sluice, invocation.out, named)
}

/** Prints the table of flows, or its JSON; 3 when one of them is failed, late or stale. */
export async function printStatus(sluice: Sluice, out: Output, named: readonly string[] = []): Promise<0 | 3> {
  const names = chosenFlows(
    sluice.flows.map((flow) => flow.name),
    named,
  )
  const flows = await sluice.status(names)
  const [alive, all] = await Promise.all([sluice.engine.alive(), sluice.engine.outdated()])
  const outdated = all.filter(({ flow }) => names.includes(flow))
  const recommendations = recommendationsOf(flows, { alive, outdated })
  if (out.json) {
    const next = recommendations.map(({ flow, text, command }) => ({ flow, text, command }))
    out.document({ flows: flows.map(toJson), recommendations: next, outdated })
  }
  if (!out.json) out.text(formatStatus(flows, recommendations, new Date(), out.style))
  for (const { flow, host, pid } of outdated) {
    out.warn(
      `${flow}: it was defined anew; process ${pid} on ${host} does none of its runs until \`sluice up\` is restarted`,
    )
  }
  for (const { name, note } of flows) if (note !== null) out.warn(`${name}: ${note}`)
  return flows.some(({ state }) => state === 'failed' || state === 'late' || state === 'stale') ? 3 : 0
}

/** CONTRACTS §5: these fields and no others. */
function toJson({ name, kind, state, running, rows, asOf, sourceAsOf, dueAt, lastRun }: FlowStatus): unknown {
  return {
    name,
    kind,
    state,
    running,
    rows,
    asOf,
    sourceAsOf,
    dueAt,
    lastRun:
      lastRun === null
        ? null
        : {
            id: lastRun.id,
            outcome: lastRun.outcome,
            startedAt: lastRun.startedAt,
            finishedAt: lastRun.finishedAt,
            rows: lastRun.rows,
            error: lastRun.error,
          },
  }
}

const colors = { fresh: 'green', never: 'dim', paused: 'yellow', stale: 'yellow', late: 'red', failed: 'red' } as const

export function formatStatus(
  flows: readonly FlowStatus[],
  recommendations: readonly Recommendation[],
  now: Date,
  style: Output['style'],
): string {
  if (flows.length === 0) return 'The config has no flows.'
  const table = formatTable(
    [
      { title: 'FLOW' },
      { title: 'KIND' },
      { title: 'STATE' },
      { title: 'ROWS', align: 'right' },
      { title: 'AS OF' },
      { title: 'DUE' },
      { title: 'LAST RUN' },
    ],
    flows.map((flow) => [
      flow.name,
      flow.kind,
      style(colors[flow.state], flow.state) + (flow.running ? ', running' : ''),
      formatCount(flow.rows),
      formatRelative(flow.asOf, now),
      formatRelative(flow.dueAt, now),
      flow.lastRun === null
        ? '-'
        : `${formatState(flow.lastRun)} ${formatRelative(flow.lastRun.finishedAt ?? flow.lastRun.startedAt, now)}`,
    ]),
  )
  const notes = flows.flatMap(({ name, why }) => (why === null ? [] : [`${name}: ${why}`]))
  const next = recommendations.map(({ text, command }) => `→ ${text}: ${command}`)
  return [table, ...(notes.length + next.length === 0 ? [] : ['']), ...notes, ...next].join('\n')
}
