/**
 * `Prefer: wait=N` (RFC 7240): how long an answer may wait for what was asked for. What has not ended by then goes on; the answer says
 * 202 and where to look.
 */
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { SluiceError } from '../lib/error.ts'
import type { Engine, RunRecord } from '../runs/engine.ts'

export const longestWait = 60

/** The header, for the schema of a route that can wait. */
export const preferHeader = z.looseObject({
  prefer: z
    .string()
    .max(200)
    .optional()
    .describe(
      `\`wait=N\`: wait up to N seconds, at most ${longestWait}, and answer 200 with the outcome if it ends in time`,
    ),
})

/** The seconds that `wait` of the header names, or `otherwise`. `REQUEST_INVALID` when they are no number or too many. */
export function secondsToWait(prefer: string | undefined, otherwise: number): number {
  const wait = (prefer ?? '')
    .split(/[,;]/)
    .map((preference) => /^\s*wait\s*=\s*"?([^"]*?)"?\s*$/i.exec(preference)?.[1])
    .find((value) => value !== undefined)
  if (wait === undefined) return otherwise
  const seconds = Number(wait)
  if (/^\d{1,4}$/.test(wait) && seconds <= longestWait) return seconds
  throw new SluiceError('REQUEST_INVALID', 'The request does not fit its schema', {
    why: `headers/prefer: wait is a whole number of seconds, at most ${longestWait}`,
    fix: `send \`Prefer: wait=${longestWait}\` or less, and ask for the run afterwards`,
    problems: [{ path: 'prefer', fault: `wait is a whole number of seconds, at most ${longestWait}` }],
  })
}

/** Works with a signal that aborts when the answer is of no use any more: who asked is gone, or the server closes. */
export async function patiently<T>(
  reply: Pick<FastifyReply, 'raw'>,
  closing: AbortSignal,
  work: (gone: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController()
  const end = (): void => over.abort()
  if (closing.aborted) end()
  // By hand: `AbortSignal.any` keeps something of every request for as long as the server lives.
  closing.addEventListener('abort', end)
  reply.raw.once('close', end)
  try {
    return await work(over.signal)
  } finally {
    closing.removeEventListener('abort', end)
    reply.raw.off('close', end)
  }
}

/** The run when it has ended, or as it stands after so many seconds, or when nobody waits any more. */
export async function awaitRun(
  engine: Pick<Engine, 'run' | 'follow'>,
  id: string,
  seconds: number,
  gone: AbortSignal,
): Promise<RunRecord> {
  const run = await engine.run(id)
  if (run.outcome !== null || seconds === 0 || gone.aborted) return run
  const over = new AbortController()
  const end = (): void => over.abort()
  const timer = setTimeout(end, seconds * 1_000)
  gone.addEventListener('abort', end)
  try {
    // Its log is not wanted here.
    for await (const event of engine.follow(run.id, { signal: over.signal, from: Number.MAX_SAFE_INTEGER }))
      if (event.tag === 'finished') return event.run
    return await engine.run(run.id)
  } finally {
    clearTimeout(timer)
    gone.removeEventListener('abort', end)
  }
}
