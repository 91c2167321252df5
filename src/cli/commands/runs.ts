import { Command, InvalidArgumentError } from 'commander'
import type { RunRecord } from '../../runs/engine.ts'
import { chosenFlows } from '../flows.ts'
import { formatCount, formatRelative, formatSpan } from '../format.ts'
import { act, type ExitCode, type Invocation } from '../invocation.ts'
import { formatState } from '../progress.ts'
import { formatTable } from '../table.ts'

export function runsCommand(): Command {
  return new Command('runs')
    .description('the history of runs, newest first')
    .argument('[flow]', 'only of this flow')
    .option('-l, --limit <count>', 'at most so many', wholeNumber, 20)
    .addHelpText(
      'after',
      `
Examples:
  $ sluice runs
  $ sluice runs teacher_data --limit 5 --json`,
    )
    .action(act(runs))
}

/** Parses a count of an option. */
export function wholeNumber(text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1 || number > 10_000)
    throw new InvalidArgumentError('It is a whole number from 1 to 10000.')
  return number
}

async function runs(
  invocation: Invocation,
  named: string | undefined,
  { limit }: { readonly limit: number },
): Promise<ExitCode> {
  const sluice = await invocation.open()
  if (named !== undefined) {
    chosenFlows(
      sluice.flows.map((one) => one.name),
      [named],
    )
  }
  const flow = sluice.flows.find((one) => one.name === named)
  const found = await sluice.engine.runs({ ...(flow === undefined ? {} : { flow: flow.name }), limit })
  if (invocation.out.json) invocation.out.document({ runs: found })
  else invocation.out.text(found.length === 0 ? 'No run yet.' : formatRuns(found))
  return 0
}

function formatRuns(found: readonly RunRecord[]): string {
  const now = new Date()
  const ids = shorten(found.map(({ id }) => id))
  return formatTable(
    [
      { title: 'RUN' },
      { title: 'FLOW' },
      { title: 'OPERATION' },
      { title: 'OUTCOME' },
      { title: 'ROWS', align: 'right' },
      { title: 'STARTED' },
      { title: 'TOOK', align: 'right' },
      { title: 'BY' },
      { title: 'WHY' },
    ],
    found.map((run, at) => [
      ids[at] ?? run.id,
      run.flow,
      run.operation,
      formatState(run),
      formatCount(run.rows),
      formatRelative(run.startedAt ?? run.requestedAt, now),
      formatSpan(run.startedAt, run.finishedAt),
      run.trigger === 'schedule' ? 'schedule' : run.requestedBy,
      run.error?.code ?? run.reason ?? '',
    ]),
  )
}

/** Ids cut to what still tells them apart; ids begin with their time, so that takes a few. Pure. */
export function shorten(ids: readonly string[]): readonly string[] {
  for (let length = 13; length < 36; length++) {
    const cut = ids.map((id) => id.slice(0, length).replace(/-$/, ''))
    if (new Set(cut).size === ids.length) return cut
  }
  return ids
}
