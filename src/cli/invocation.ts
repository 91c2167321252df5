import { resolve } from 'node:path'
import type { Command } from 'commander'
import { asSluiceError, exitCodeOf } from '../lib/error.ts'
import type { OpenOptions, Sluice } from '../sluice.ts'
import { formatError } from './error.ts'
import { type Interrupts, watchInterrupts } from './interrupt.ts'
import { openOutput, type Output } from './output.ts'

/** The options that every command has. */
export interface GlobalOptions {
  readonly config?: string
  readonly directory?: string
  readonly json?: boolean
  readonly trace?: boolean
  readonly color?: boolean
  readonly verbose?: boolean
  readonly quiet?: boolean
}

/** One call of a command. */
export interface Invocation {
  readonly global: GlobalOptions
  readonly directory: string
  readonly out: Output
  readonly interrupts: Interrupts
  /** The system of the config, opened; closed when the command ends, whatever its end. */
  open(options?: Omit<OpenOptions, 'config'>): Promise<Sluice>
}

/** 0 done and true, 1 the work failed, 2 usage or config, 3 findings. */
export type ExitCode = 0 | 1 | 2 | 3

/** What a command does: it says what it has to say and returns its exit code. */
export type Action<Arguments extends readonly unknown[]> = (
  invocation: Invocation,
  ...given: Arguments
) => Promise<ExitCode>

/** How long closing may take before the process ends without it. */
const closeLimit = 20_000

/** Makes commander's action of ours: opens what a call needs, translates errors once, and never leaves anything open. */
export function act<Arguments extends readonly unknown[]>(action: Action<Arguments>) {
  return async (...received: [...Arguments, Command]): Promise<void> => {
    const command = received.at(-1) as Command // commander passes the command last
    const given = received.slice(0, -1) as unknown as Arguments // and what it parsed before
    process.exitCode = await perform(command.optsWithGlobals<GlobalOptions>(), (invocation) =>
      action(invocation, ...given),
    )
  }
}

async function perform(global: GlobalOptions, work: (invocation: Invocation) => Promise<ExitCode>): Promise<ExitCode> {
  const out = outputOf(global)
  using interrupts = watchInterrupts((text) => out.warn(text))
  const opened: Sluice[] = []
  const directory = resolve(global.directory ?? '.')
  const invocation: Invocation = {
    global,
    directory,
    out,
    interrupts,
    async open(options = {}) {
      // Loaded when it is needed: help, completion and check are quick without the stores.
      const { openSluice } = await import('../sluice.ts')
      const config = global.config === undefined ? {} : { config: resolve(global.config) }
      const sluice = await openSluice({
        directory,
        log: (level, message) => tell(out, level, message),
        ...config,
        ...options,
      })
      opened.push(sluice)
      return sluice
    },
  }
  try {
    return await work(invocation)
  } catch (error) {
    return report(error, global, out)
  } finally {
    await Promise.race([
      Promise.allSettled(opened.map((sluice) => sluice.close())),
      new Promise((resolve) => setTimeout(resolve, closeLimit).unref()),
    ])
  }
}

/** What belongs to no run and somebody should know, whatever the command. */
function tell(out: Output, level: 'debug' | 'info' | 'warn' | 'error', message: string): void {
  if (level === 'warn' || level === 'error') out.warn(`${level}: ${message}`)
}

export function outputOf(global: GlobalOptions): Output {
  // Libraries that draw go by the variable.
  if (global.color === false) process.env['NO_COLOR'] = '1'
  return openOutput({
    json: global.json === true,
    color: global.color !== false,
    verbosity: global.quiet === true ? 'quiet' : global.verbose === true ? 'verbose' : 'normal',
  })
}

/** Prints an error where it belongs; its exit code. */
export function report(thrown: unknown, global: GlobalOptions, out: Output): ExitCode {
  const error = asSluiceError(thrown)
  if (out.json) {
    out.document({ error })
    if (global.trace === true) out.warn(formatError(error, true, out.style))
  } else {
    out.warn(formatError(error, global.trace === true, out.style))
  }
  return exitCodeOf(error)
}
