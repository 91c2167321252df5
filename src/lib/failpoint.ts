import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Places at which a test can end, stop, break or delay this process. All names stand here, one for each commit edge: what
 * is killed just before and just after each of them has to end in the same totals.
 */
export const failpoints = [
  /** The run and its job are written, not committed. */
  'request:before-commit',
  'request:after-commit',
  /** The attempt and its lease are written, not committed. */
  'claim:before-commit',
  'claim:after-commit',
  /** Both sides were looked at; nothing is staged. */
  'attempt:planned',
  /** The kind is done; nothing of the run's end is written. */
  'attempt:before-outcome',
  'outcome:before-commit',
  'outcome:after-commit',
  /** Rows are staged, the publishing transaction has not begun. */
  'publish:before-begin',
  /** The lease is checked and held, nothing is applied. */
  'publish:fenced',
  /** Applied, nothing recorded. */
  'publish:applied',
  'publish:before-commit',
  'publish:after-commit',
  /** Target outside the state's database: committed there, not yet recorded in the state. */
  'publish:between-commits',
  /** An expired lease was found; nothing is written. */
  'reap:before-commit',
  'reap:after-commit',
  /** Staging: the helper table stands, no rows. */
  'stage:created',
  /** Some rows are in. */
  'stage:loading',
  /** All rows are in, not committed. */
  'stage:loaded',
  'stage:after-commit',
  /** Keys and indexes of the new table are built. */
  'stage:indexed',
  /** Writers are locked out and the target is as planned; readers go on. */
  'swap:checked',
  'swap:renamed',
  /** The differences are known, nothing is written. */
  'in-place:compared',
  /** What an earlier attempt left is being removed. */
  'clean:before-drop',
  /** An occurrence is written, its run is not. */
  'schedule:inserted',
  'schedule:before-commit',
  'schedule:after-commit',
  /** A change of the API is done, its audit row still says unfinished. */
  'audit:before-complete',
  'outbox:before-send',
  'outbox:after-send',
] as const

export type Failpoint = (typeof failpoints)[number]

/**
 * `SLUICE_FAILPOINT` is a comma-separated list of `name=action[:argument][@file]`:
 *
 * - `kill`: SIGKILL to this process.
 * - `stop`: SIGSTOP to this process, until somebody sends SIGCONT.
 * - `throw`: an error that nobody expects.
 * - `sleep:250`: waits so many milliseconds.
 *
 * With `@file` it happens once: only while the file does not exist, and it is created at that moment.
 */
interface Trap {
  readonly action: string
  readonly argument: string
  readonly once: string | null
}

const traps: ReadonlyMap<string, Trap> | null = parse(process.env['SLUICE_FAILPOINT'])

function parse(text: string | undefined): ReadonlyMap<string, Trap> | null {
  if (text === undefined || text === '') return null
  const known: readonly string[] = failpoints
  const found = new Map<string, Trap>()
  for (const item of text.split(',')) {
    const fields = /^([a-z:-]+)=([a-z]+)(?::([^@]*))?(?:@(.*))?$/.exec(item.trim())
    const [, name = '', action = '', argument = '', once = null] = fields ?? []
    if (!known.includes(name)) throw new Error(`SLUICE_FAILPOINT names no failpoint: ${item}`)
    found.set(name, { action, argument, once })
  }
  return found
}

/** Does nothing unless `SLUICE_FAILPOINT` names this place. */
export async function failpoint(name: Failpoint): Promise<void> {
  const trap = traps?.get(name)
  if (trap === undefined) return
  if (trap.once !== null) {
    if (existsSync(trap.once)) return
    writeFileSync(trap.once, name)
  }
  switch (trap.action) {
    case 'kill':
    case 'stop':
      process.kill(process.pid, trap.action === 'kill' ? 'SIGKILL' : 'SIGSTOP')
      // The signal arrives a moment later; nothing may happen in between.
      await sleep(50)
      return
    case 'throw':
      throw new Error(`failpoint ${name}`)
    case 'sleep':
      await sleep(Number(trap.argument))
      return
    default:
      throw new Error(`SLUICE_FAILPOINT knows no action ${trap.action}`)
  }
}
