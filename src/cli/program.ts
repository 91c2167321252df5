import { Command } from 'commander'
import { backfillCommand } from './commands/backfill.ts'
import { cancelCommand } from './commands/cancel.ts'
import { checkCommand } from './commands/check.ts'
import { completionCommand } from './commands/completion.ts'
import { ddlCommand } from './commands/ddl.ts'
import { doctorCommand } from './commands/doctor.ts'
import { initCommand } from './commands/init.ts'
import { logsCommand } from './commands/logs.ts'
import { pauseCommand, resumeCommand } from './commands/pause.ts'
import { runCommand } from './commands/run.ts'
import { runsCommand } from './commands/runs.ts'
import { scheduleCommand } from './commands/schedule.ts'
import { statusCommand } from './commands/status.ts'
import { tokenCommand } from './commands/token.ts'
import { upCommand } from './commands/up.ts'
import { verifyCommand } from './commands/verify.ts'
import { versionCommand } from './commands/version.ts'
import { versionOf } from './version.ts'

/** `flows`: the names that completion offers. The whole command line as commander's definition; help, completion and docs/reference/cli.md come from it. */
export function buildProgram(flows: readonly string[] = []): Command {
  const program = new Command('sluice')
    .description("Keeps an application's PostgreSQL and its warehouse in step, and proves it.")
    .version(versionOf(), '-V, --version', 'print the version')
    .option('-c, --config <file>', 'the config; default: sluice.config.* in the directory')
    .option('-C, --directory <folder>', 'the folder of the project; default: the current one')
    .option('--json', 'print JSON on stdout')
    .option('--trace', 'print stacks of errors')
    .option('--no-color', 'no colours; so does NO_COLOR')
    .option('-v, --verbose', 'say more on stderr')
    .option('-q, --quiet', 'say nothing on stderr but errors')
    .configureHelp({ showGlobalOptions: true, helpWidth: 100 })
    .showSuggestionAfterError()
    .exitOverride()
    // What commander would print as an error is printed by main, as every error is.
    .configureOutput({ outputError: () => undefined })
    .addHelpText('after', exitCodes)
  const commands = [
    initCommand(),
    upCommand(),
    runCommand(),
    backfillCommand(),
    statusCommand(),
    verifyCommand(),
    runsCommand(),
    logsCommand(),
    pauseCommand(),
    resumeCommand(),
    cancelCommand(),
    scheduleCommand(),
    tokenCommand(),
    ddlCommand(),
    checkCommand(),
    doctorCommand(),
    versionCommand(),
  ]
  for (const command of commands) inherit(program, command)
  completionCommand(program, flows)
  return program
}

/** Commands are made apart from the program; what it says about errors and help holds for them, too. */
function inherit(parent: Command, command: Command): void {
  command.copyInheritedSettings(parent)
  parent.addCommand(command)
  for (const below of command.commands) below.copyInheritedSettings(parent)
}

const exitCodes = `
Exit codes: 0 done and true (a skip included), 1 the work failed, 2 usage or config, 3 findings.`
