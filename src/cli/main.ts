import { CommanderError } from 'commander'
import { loadConfig } from '../config/load.ts'
import { SluiceError } from '../lib/error.ts'
import { namesOf } from './flows.ts'
import { type GlobalOptions, outputOf, report } from './invocation.ts'
import { flush } from './output.ts'
import { buildProgram } from './program.ts'

/** The command line: parses, does, and ends this process with the command's exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  // Whoever reads us may stop reading (`sluice logs … | head`): that is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
  })
  process.exitCode = 0
  const program = buildProgram(argv[0] === 'complete' ? await namesForCompletion() : [])
  try {
    await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    // Before the options are parsed there is only the raw command line to go by.
    const global: GlobalOptions = { json: argv.includes('--json'), trace: argv.includes('--trace') }
    const failure = usageError(error, argv)
    if (failure !== null) process.exitCode = report(failure, global, outputOf(global))
  }
  await flush()
  // Everything is closed and written: whatever timer or socket a library left cannot hold the process.
  process.exit(process.exitCode)
}

/** The flows of the config in this folder; none where there is no config that can be read. */
async function namesForCompletion(): Promise<readonly string[]> {
  try {
    return namesOf(await loadConfig())
  } catch {
    return []
  }
}

/** Commander's complaint as ours; null when it only printed what was asked for (`--help`, `--version`). */
function usageError(thrown: unknown, argv: readonly string[]): unknown {
  if (!(thrown instanceof CommanderError)) return thrown
  if (thrown.exitCode === 0) return null
  const bare = argv.every((part) => part.startsWith('-'))
  if (thrown.code === 'commander.help' && bare) {
    process.exitCode = 2
    return null
  }
  const [said = '', ...more] = thrown.message.replace(/^error: /, '').split('\n')
  const meant = more.join(' ').match(/\(Did you mean (.*)\?\)/)?.[1]
  return new SluiceError('USAGE', 'The command line is not understood', {
    why: said === '(outputHelp)' ? 'a command is missing' : said,
    fix: meant === undefined ? 'see `sluice --help`, or `sluice help <command>`' : `did you mean ${meant}?`,
  })
}
