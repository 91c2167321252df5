import type { LogLevel } from '../flows/flow.ts'
import type { Json } from '../lib/json.ts'
import { holdAttempt } from '../state/attempt.ts'
import { appendLog, type NewLine } from '../state/log.ts'
import { inTransaction, type EngineContext } from './context.ts'

/**
 * A run's log, as one attempt writes it: lines are stored while the run goes on, a moment after they are said. What an attempt
 * says after its end (it was stopped, and another has taken over) is not stored: it would stand among the other's lines.
 */
export interface Logbook {
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, Json>>): void
  /** Resolves when every line said so far is stored; lines that cannot be stored are kept and tried again. */
  flush(): Promise<void>
}

const delayMs = 200
const atOnce = 500

export function openLogbook(
  engine: Pick<EngineContext, 'state' | 'bell' | 'leases'>,
  run: string,
  attempt: number,
): Logbook {
  const waiting: NewLine[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const lines = waiting.slice(0, atOnce)
      // In order, one transaction after another.
      await inTransaction(engine, async (tx) => {
        // Before the log's own lock, as everybody who ends an attempt takes the two.
        if (!(await holdAttempt(tx, engine.state, run, attempt))) return
        await appendLog(tx, engine.state, run, lines)
        await engine.bell.ring(tx, { topic: 'log', run })
      })
      waiting.splice(0, lines.length)
    }
  }
  const flush = async (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    const before = writing.catch(() => {})
    writing = before.then(write)
    await writing
  }
  const later = (): void => {
    timer ??= setTimeout(() => {
      // The lines stay; the next one said, or the end, tries again.
      flush().catch(() => {})
    }, delayMs)
  }
  return {
    log: (level, message, fields = {}) => {
      waiting.push({ attempt, level, message, fields })
      later()
    },
    flush,
  }
}
