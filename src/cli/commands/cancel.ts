import { userInfo } from 'node:os'
import { Command } from 'commander'
import { act, type ExitCode, type Invocation } from '../invocation.ts'
import { formatEnd } from '../progress.ts'

export function cancelCommand(): Command {
  return new Command('cancel')
    .description('stop a run; what is published stays as it was')
    .argument('<run>', 'its id, or as much of it as fits only one')
    .option('-r, --reason <text>', 'why; recorded with the run')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice cancel 019aab12-3456
  $ sluice cancel 019aab12-3456 --reason "wrong day"`,
    )
    .action(act(cancel))
}

async function cancel(invocation: Invocation, id: string, options: { readonly reason?: string }): Promise<ExitCode> {
  const sluice = await invocation.open()
  const before = await sluice.engine.run(id)
  const run = await sluice.engine.cancel(before.id, userInfo().username, options.reason ?? null)
  if (invocation.out.json) invocation.out.document({ run })
  else if (before.outcome !== null) invocation.out.text(`${run.flow}: has ended before: ${formatEnd(run)}`)
  else invocation.out.text(`${run.flow}: ${run.outcome === null ? 'its worker was told to stop' : formatEnd(run)}`)
  return 0
}
