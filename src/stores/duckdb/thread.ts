/**
 * The thread that owns one DuckDB file: asks come in, answers and chunks go out.
 *
 *   opening ──► open ──► closing ──► gone
 *      └────────────────► gone            (the file could not be opened)
 *
 * Asks run side by side, each on a connection of its own. A copy sends as many chunks as it has credit for and then waits,
 * so that what is under way is bounded however slow the reader is.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { asSluiceError, SluiceError } from '../../lib/error.ts'
import { copy } from './copy.ts'
import { Instance } from './instance.ts'
import { mark, refuseElsewhere } from './mark.ts'
import type { Answer, Ask, FromThread, ThreadOptions, ToThread } from './protocol.ts'

const port = parentPort
if (port === null) throw new Error('this module is the entry of a worker thread')

interface Task {
  readonly abort: AbortController
  credit: number
  /** Resolved when credit comes or the task is cancelled. */
  wake: (() => void) | null
}

const tasks = new Map<number, Task>()
const send = (message: FromThread, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer)

// Given by the client as it is declared.
const options = workerData as ThreadOptions
const opened = Instance.open(options)
opened.then(
  () => send({ opened: true }),
  (thrown: unknown) => {
    send({ notOpened: asSluiceError(thrown).toJSON() })
    port.close()
  },
)

port.on('message', (message: ToThread) => {
  if ('ask' in message) void perform(message.id, message.ask)
  else if ('credit' in message) give(message.id, message.credit)
  else cancel(message.id)
})

async function perform(id: number, ask: Ask): Promise<void> {
  const task: Task = { abort: new AbortController(), credit: ask.tag === 'copy' ? ask.credit : 0, wake: null }
  tasks.set(id, task)
  try {
    const done = await answer(id, await opened, ask, task)
    send({ id, done })
  } catch (thrown) {
    send({ id, failed: asSluiceError(thrown).toJSON() })
  } finally {
    tasks.delete(id)
    if (ask.tag === 'close') port?.close()
  }
}

async function answer(id: number, instance: Instance, ask: Ask, task: Task): Promise<Answer[keyof Answer]> {
  const { signal } = task.abort
  switch (ask.tag) {
    case 'all':
      return instance.all(ask.query, signal)
    case 'run':
      return instance.run(ask.statement, signal)
    case 'columns':
      await refuseElsewhere(instance, ask.from, signal)
      return instance.columns(ask.from, signal)
    case 'mark':
      return mark(instance, ask.from, ask.changed, signal)
    case 'copy':
      await refuseElsewhere(instance, ask.from, signal)
      return copy(
        instance,
        ask.from,
        ask.plan,
        async ({ data, rows }) => {
          while (task.credit === 0 && !signal.aborted) await new Promise<void>((resolve) => (task.wake = resolve))
          signal.throwIfAborted()
          task.credit--
          // Encoded into a buffer of its own, which goes to the reader whole.
          send({ id, chunk: data, rows }, [data.buffer as ArrayBuffer])
        },
        signal,
      )
    case 'close': {
      for (const other of tasks.keys()) if (other !== id) cancel(other)
      while (tasks.size > 1) await new Promise((resolve) => setTimeout(resolve, 5))
      instance.close()
      return null
    }
  }
}

function give(id: number, credit: number): void {
  const task = tasks.get(id)
  if (task === undefined) return
  task.credit += credit
  task.wake?.()
}

function cancel(id: number): void {
  const task = tasks.get(id)
  if (task === undefined) return
  task.abort.abort(
    new SluiceError('RUN_CANCELLED', 'reading was cancelled', {
      why: 'whoever read stopped',
      fix: 'run again',
      where: { store: options.store },
    }),
  )
  task.wake?.()
}
