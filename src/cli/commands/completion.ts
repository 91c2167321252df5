import tab from '@bomb.sh/tab/commander'
import type { Command } from 'commander'

/** Adds `completion <shell>` and what its scripts call. To be added last: it describes the commands that are there. */
export function completionCommand(program: Command, flows: readonly string[]): void {
  const root = tab(program, { completionCommandName: 'completion' })
  program.commands
    .find((command) => command.name() === 'completion')
    ?.addHelpText(
      'after',
      `
Examples:
  $ source <(sluice completion bash)
  $ sluice completion zsh > ~/.sluice-completion.zsh`,
    )
  for (const [name, argument] of [
    ['run', 'flows'],
    ['backfill', 'flow'],
    ['backfill list', 'flow'],
    ['status', 'flows'],
    ['verify', 'flows'],
    ['runs', 'flow'],
    ['pause', 'flow'],
    ['resume', 'flow'],
    ['ddl', 'flow'],
    ['schedule next', 'flows'],
  ] as const) {
    const found = root.commands.get(name)?.arguments.get(argument)
    if (found === undefined) throw new Error(`completion knows no ${argument} of ${name}`)
    found.handler = (complete) => {
      for (const flow of flows) complete(flow, '')
    }
  }
}
