import { Command } from 'commander'
import { SluiceError } from '../../lib/error.ts'
import { formatError } from '../error.ts'
import { chosenFlows } from '../flows.ts'
import { formatCount, formatSpan } from '../format.ts'
import { act, type ExitCode, type Invocation } from '../invocation.ts'
import { type Performed, performRuns } from '../perform.ts'
import { formatTable } from '../table.ts'

interface RunCommandOptions {
  readonly all?: boolean
  readonly force?: boolean
  readonly slice?: readonly string[]
  readonly from?: string
  readonly to?: string
  readonly dryRun?: boolean
}

export function runCommand(): Command {
  return new Command('run')
    .description('bring flows up to date now, several at once')
    .argument('[flows...]', 'their names')
    .option('-a, --all', 'all flows of the config')
    .option('-f, --force', 'even if nothing has changed, and whatever the guard says')
    .option('-s, --slice <key...>', 'only these slices')
    .option('--from <bound>', 'of a rollup, only what begins here: a day, month or year of its zone, or an instant')
    .option('--to <bound>', 'and ends here: that day, month or year is in it, an instant is not')
    .option('-n, --dry-run', 'print what would be done, and do nothing')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice run teacher_data
  $ sluice run blog_views --from 2025-01-01 --to 2025-01-31
  $ sluice run --all --dry-run`,
    )
    .action(act(run))
}

async function run(invocation: Invocation, named: readonly string[], options: RunCommandOptions): Promise<ExitCode> {
  if (named.length === 0 && options.all !== true) {
    throw new SluiceError('USAGE', 'No flow is named', {
      why: '`sluice run` brings up to date what it is told to',
      fix: 'name the flows, or use --all',
    })
  }
  const request = {
    force: options.force === true,
    ...(options.slice === undefined ? {} : { slices: options.slice }),
    ...(options.from === undefined ? {} : { from: options.from }),
    ...(options.to === undefined ? {} : { to: options.to }),
  }
  if (options.dryRun === true) return plan(invocation, named, request)
  const performed = await performRuns(invocation, named, request)
  if (invocation.out.json) invocation.out.document({ runs: performed.runs, left: performed.left })
  else print(invocation, performed)
  const good = performed.runs.every(({ outcome }) => outcome === 'succeeded' || outcome === 'skipped')
  return good && performed.left.length === 0 ? 0 : 1
}

function print({ out, global }: Invocation, { runs, left }: Performed): void {
  for (const { error, flow } of runs) {
    if (error === null) continue
    const { code, summary, ...detail } = error
    out.warn(formatError(new SluiceError(code, summary, detail).at({ flow }), global.trace === true, out.style))
  }
  out.text(
    formatTable(
      [
        { title: 'FLOW' },
        { title: 'OUTCOME' },
        { title: 'ROWS', align: 'right' },
        { title: 'TOOK', align: 'right' },
        { title: 'WHY' },
      ],
      [
        ...runs.map((run) => [
          run.flow,
          run.outcome ?? 'unfinished',
          formatCount(run.rows),
          formatSpan(run.startedAt, run.finishedAt),
          run.error?.code ?? run.reason ?? '',
        ]),
        ...left.map(({ flow, reason }) => [flow, 'not run', '-', '-', reason]),
      ],
    ),
  )
}

async function plan(
  invocation: Invocation,
  named: readonly string[],
  request: {
    readonly force: boolean
    readonly slices?: readonly string[]
    readonly from?: string
    readonly to?: string
  },
): Promise<ExitCode> {
  const sluice = await invocation.open()
  const names = chosenFlows(
    sluice.flows.map((flow) => flow.name),
    named,
  )
  const plans = await sluice.plan(names, { ...request, signal: invocation.interrupts.signal })
  if (invocation.out.json) {
    invocation.out.document({ plans: plans.map(({ flow, plan: { slices, steps } }) => ({ flow, slices, steps })) })
    return 0
  }
  for (const { flow, plan: planned } of plans) {
    invocation.out.text(flow)
    for (const { action, slice, why } of planned.slices) invocation.out.text(`  ${action} ${slice.key}: ${why}`)
    for (const step of planned.steps) invocation.out.text(`  - ${step}`)
  }
  return 0
}
