import { Command } from 'commander'
import { act, type ExitCode, type Invocation } from '../invocation.ts'
import { flowOf } from './pause.ts'

export function ddlCommand(): Command {
  return new Command('ddl')
    .description('the schema of both sides of a flow, as SQL')
    .argument('<flow>', 'its name')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice ddl teacher_data
  $ sluice ddl teacher_data --json`,
    )
    .action(act(ddl))
}

async function ddl(invocation: Invocation, name: string): Promise<ExitCode> {
  const sluice = await invocation.open()
  const { source, target } = await sluice.ddl(flowOf(sluice, name).name)
  if (invocation.out.json) invocation.out.document({ source, target })
  else invocation.out.text(`-- source\n${source.trimEnd()}\n\n-- target\n${target.trimEnd()}`)
  return 0
}
