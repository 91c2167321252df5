import { userInfo } from 'node:os'
import { Command } from 'commander'
import type { Sluice } from '../../sluice.ts'
import { chosenFlows } from '../flows.ts'
import { act, type ExitCode, type Invocation } from '../invocation.ts'

export function pauseCommand(): Command {
  return new Command('pause')
    .description('run a flow no more until it is resumed; what runs goes on')
    .argument('<flow>', 'its name')
    .option('-r, --reason <text>', 'why; shown by `sluice status`')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice pause teacher_data
  $ sluice pause teacher_data --reason "the warehouse is being rebuilt"`,
    )
    .action(act(pause))
}

export function resumeCommand(): Command {
  return new Command('resume')
    .description('let a paused flow run again')
    .argument('<flow>', 'its name')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice resume teacher_data
  $ sluice resume teacher_data --json`,
    )
    .action(act(resume))
}

async function pause(invocation: Invocation, name: string, options: { readonly reason?: string }): Promise<ExitCode> {
  const sluice = await invocation.open()
  const flow = flowOf(sluice, name)
  await sluice.engine.pause(flow.name, userInfo().username, options.reason ?? null)
  return tell(invocation, sluice, flow)
}

async function resume(invocation: Invocation, name: string): Promise<ExitCode> {
  const sluice = await invocation.open()
  const flow = flowOf(sluice, name)
  await sluice.engine.resume(flow.name, userInfo().username)
  return tell(invocation, sluice, flow)
}

type Flow = Sluice['flows'][number]

/** A flow of the config by its name; `FLOW_UNKNOWN`. */
export function flowOf(sluice: Sluice, name: string): Flow {
  const [known] = chosenFlows(
    sluice.flows.map((flow) => flow.name),
    [name],
  )
  const flow = sluice.flows.find((one) => one.name === known)
  if (flow === undefined) throw new Error(`chosenFlows lets ${name} pass`)
  return flow
}

async function tell({ out }: Invocation, sluice: Sluice, flow: Flow): Promise<ExitCode> {
  const [now] = await sluice.status([flow.name])
  if (out.json) out.document({ flow: now })
  else
    out.text(`${flow.name}: ${now?.state ?? 'unknown'}${now?.why === null || now === undefined ? '' : ` (${now.why})`}`)
  return 0
}
