/**
 * The thread that owns one DuckDB file: asks come in, answers and chunks go out.
 *
 *   opening ──► open ──► closing ──► gone
 *      │          └──► broken ──► gone    (a defect: what runs is cancelled, the file is closed)
 *      └────────────────► gone            (the file could not be opened)
 *
 * Asks run side by side, each on a connection of its own. A copy sends as many chunks as it has credit for and then waits,
 * so that what is under way is bounded however slow the reader is.
 */
import { getPriority, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { asSluiceError, SluiceError } from '../../lib/error.ts'
import { SharedChunks } from './chunk-memory.ts'
import { copy } from './copy.ts'
import { Instance } from './instance.ts'
import { mark, refuseElsewhere } from './mark.ts'
import type { CopyChunk } from '../../transfer/source.ts'
import type { Answer, Ask, FromThread, ThreadOptions, ToThread } from './protocol.ts'

const port = parentPort
if (port === null) throw new Error('this module is the entry of a worker thread')

interface Task {
  readonly abort: AbortController
  /** How many more chunks may be sent, and their memory; null if no chunks are asked for. */
  chunks: { credit: number; readonly memory: SharedChunks } | null
  /** Resolved when credit comes or the task is cancelled. */
  wake: (() => void) | null
}

/**
 * Whoever reads gives way to the server that takes the rows, which is what everybody waits for where both share a machine. On
 * Linux alone is a priority a thread's own; those that DuckDB starts from here inherit it.
 */
const courtesy = 10
if (process.platform === 'linux') setPriority(0, Math.min(19, getPriority(0) + courtesy))

const tasks = new Map<number, Task>()
let broken = false
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

// An error that nobody caught, or a rejection. To end at once would take the whole process along: DuckDB's code cannot come back
// into a thread that is no more.
process.on('uncaughtException', (thrown) => void breakOff(thrown))

port.on('message', (message: ToThread) => {
  if (broken) return
  if ('ask' in message) void perform(message.id, message.ask)
  else if ('read' in message) give(message.id, message.read.slot)
  else cancel(message.id)
})

async function perform(id: number, ask: Ask): Promise<void> {
  const chunks = ask.tag === 'copy' ? { credit: ask.ahead, memory: new SharedChunks(ask.ahead) } : null
  const task: Task = { abort: new AbortController(), chunks, wake: null }
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
    case 'extent':
      await refuseElsewhere(instance, ask.from, signal)
      return instance.extent(ask.from, ask.time, ask.within, signal)
    case 'copy': {
      await refuseElsewhere(instance, ask.from, signal)
      const memory = task.chunks?.memory ?? new SharedChunks(ask.ahead)
      send({ id, memory: memory.slots })
      return copy(instance, ask.from, ask.plan, memory, (chunk) => sendChunk(id, task, chunk), signal)
    }
    case 'close':
      await closeBut(id, instance)
      return null
  }
}

/** Waits until the reader may have another chunk. */
async function sendChunk(id: number, task: Task, { data, rows }: CopyChunk): Promise<void> {
  const { chunks, abort } = task
  if (chunks === null) return
  while (chunks.credit === 0 && !abort.signal.aborted) await new Promise<void>((resolve) => (task.wake = resolve))
  abort.signal.throwIfAborted()
  chunks.credit--
  const slot = chunks.memory.slotOf(data)
  if (slot !== null) return send({ id, chunk: { tag: 'slot', slot, length: data.length }, rows })
  // Memory of its own, which goes to the reader whole.
  const own = data as Uint8Array<ArrayBuffer>
  send({ id, chunk: { tag: 'own', data: own }, rows }, [own.buffer])
}

/** Cancels all other tasks, waits until they have ended, closes the file. */
async function closeBut(id: number | null, instance: Instance): Promise<void> {
  const others = (): number[] => [...tasks.keys()].filter((other) => other !== id)
  others().forEach(cancel)
  while (others().length > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  instance.close()
}

async function breakOff(thrown: unknown): Promise<void> {
  if (broken) return
  broken = true
  send({ broken: asSluiceError(thrown).why })
  try {
    await closeBut(null, await opened)
  } finally {
    process.exit(1)
  }
}

function give(id: number, slot: number | null): void {
  const task = tasks.get(id)
  if (task === undefined || task.chunks === null) return
  task.chunks.credit++
  if (slot !== null) task.chunks.memory.giveSlot(slot)
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
