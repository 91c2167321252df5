import { EventEmitter, getEventListeners } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { RunEvent, RunRecord } from '../runs/engine.ts'
import { awaitRun, patiently, secondsToWait } from './wait.ts'

test.each([
  [undefined, 7, 7],
  ['', 7, 7],
  ['respond-async', 7, 7],
  ['wait=10', 0, 10],
  ['wait=0', 20, 0],
  ['respond-async, wait=10', 0, 10],
  ['Wait = "60"; foo', 0, 60],
])('Prefer: %j, otherwise %i, waits %i s', (prefer, otherwise, seconds) => {
  expect(secondsToWait(prefer, otherwise)).toBe(seconds)
})

test.each(['wait=61', 'wait=-1', 'wait=', 'wait=1.5', 'wait=1e1', 'wait=ten', 'wait=99999'])(
  'Prefer: %s is refused, not cut',
  (prefer) => {
    expect(() => secondsToWait(prefer, 0)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
  },
)

// As much of a record as waiting looks at.
const record = (outcome: RunRecord['outcome']) => ({ id: 'a', outcome }) as RunRecord

function engine(follow: (signal: AbortSignal) => AsyncIterable<RunEvent>) {
  return {
    run: () => Promise.resolve(record(null)),
    follow: (_id: string, options?: { readonly signal?: AbortSignal }) =>
      follow(options?.signal ?? new AbortController().signal),
  }
}

async function* silent(signal: AbortSignal): AsyncGenerator<RunEvent> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  yield* []
}

test('waiting ends with the run, with the time, or with whoever waits', async () => {
  const never = new AbortController().signal
  async function* ends(): AsyncGenerator<RunEvent> {
    yield { tag: 'finished', run: record('failed') }
  }
  expect(await awaitRun(engine(ends), 'a', 60, never)).toMatchObject({ outcome: 'failed' })
  const began = performance.now()
  expect(await awaitRun(engine(silent), 'a', 0.05, never)).toMatchObject({ outcome: null })
  const gone = new AbortController()
  setTimeout(() => gone.abort(), 20)
  expect(await awaitRun(engine(silent), 'a', 60, gone.signal)).toMatchObject({ outcome: null })
  expect(performance.now() - began).toBeLessThan(20_000)
})

test('patience ends with the connection or the server, and leaves nothing behind', async () => {
  const closing = new AbortController()
  for (const how of ['gone', 'closing'] as const) {
    const raw = new EventEmitter()
    // As much of an answer as is listened to.
    const reply = { raw } as unknown as Parameters<typeof patiently>[0]
    const waiting = patiently(reply, closing.signal, (gone) => awaitRun(engine(silent), 'a', 60, gone))
    await setImmediate()
    if (how === 'gone') raw.emit('close')
    else closing.abort()
    expect(await waiting).toMatchObject({ outcome: null })
    expect(raw.listenerCount('close')).toBe(0)
  }
  expect(getEventListeners(closing.signal, 'abort')).toHaveLength(0)
})
