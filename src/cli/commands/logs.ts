import { Command } from 'commander'
import type { RunEvent, RunRecord } from '../../runs/engine.ts'
import { formatInstant } from '../format.ts'
import { act, type ExitCode, type Invocation } from '../invocation.ts'
import { formatEnd, formatLog } from '../progress.ts'

export function logsCommand(): Command {
  return new Command('logs')
    .description('the log of a run')
    .argument('<run>', 'its id, or as much of it as fits only one')
    .option('-f, --follow', 'go on until the run has ended')
    .addHelpText(
      'after',
      `
With --follow and --json every line is one JSON object.

Examples:
  $ sluice logs 019aab12-3456
  $ sluice logs 019aab12-3456 --follow`,
    )
    .action(act(logs))
}

/** How long an unfinished run may say nothing before all it has said so far counts as read. */
const silence = 700

async function logs(
  invocation: Invocation,
  id: string,
  { follow = false }: { readonly follow?: boolean },
): Promise<ExitCode> {
  const { out, interrupts } = invocation
  const sluice = await invocation.open()
  const run = await sluice.engine.run(id)
  const stop = new AbortController()
  const signal = AbortSignal.any([stop.signal, interrupts.signal])
  const live = follow && run.outcome === null
  interrupts.onFirst(() => interrupts.interrupt())
  let timer = live || run.outcome !== null ? undefined : setTimeout(() => stop.abort(), silence * 3)
  const lines: Extract<RunEvent, { tag: 'log' }>['line'][] = []
  let ended: RunRecord | null = null
  try {
    for await (const event of sluice.engine.follow(run.id, { signal })) {
      if (timer !== undefined) {
        clearTimeout(timer)
        timer = setTimeout(() => stop.abort(), silence)
      }
      if (event.tag === 'finished') ended = event.run
      if (event.tag === 'log' && !out.json)
        out.text(
          `${formatInstant(event.line.at)} ${event.line.attempt === null ? '' : `#${event.line.attempt} `}${formatLog(event.line)}`,
        )
      if (out.json && follow) out.line(event)
      else if (event.tag === 'log') lines.push(event.line)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    clearTimeout(timer)
  }
  if (out.json && !follow) out.document({ run: ended ?? run, lines })
  if (!out.json) out.say(`${run.flow}: ${formatEnd(ended ?? run)}`)
  return 0
}
