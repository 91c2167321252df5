import { userInfo } from 'node:os'
import type { BackfillId, BackfillRecord } from '../runs/backfills.ts'
import type { RunId } from '../runs/engine.ts'
import type { Sluice } from '../sluice.ts'
import { type BackfillProgress, showBackfill } from './backfill-progress.ts'
import type { Invocation } from './invocation.ts'
import { cancelOnInterrupt } from './perform.ts'

/**
 * Sees to a backfill until it has ended or is paused, here where no worker lives, and shows how it goes; Ctrl-C asks and cancels. Told
 * to stop, or killed, it leaves the backfill as it is: whoever comes next goes on.
 */
export async function seeThrough(invocation: Invocation, sluice: Sluice, id: BackfillId): Promise<BackfillRecord> {
  const { interrupts, out } = invocation
  const { backfills } = sluice.engine
  const progress = showBackfill(await backfills.get(id), out)
  const letGo = cancelOnInterrupt(invocation, 'Cancel the backfill? What is done stays.', () =>
    backfills.cancel(id, userInfo().username, 'interrupted at the command line'),
  )
  const over = new AbortController()
  const following = follow(sluice, id, progress, over.signal)
  // It may fail before anybody waits for it; who waits is told below.
  following.catch(() => {})
  try {
    await backfills.ensure(id, interrupts.signal)
    if (interrupts.signal.aborted) over.abort()
    await following
    const backfill = await backfills.get(id)
    progress.end(backfill)
    return backfill
  } finally {
    over.abort()
    await following.catch(() => {})
    letGo()
    await progress.close()
  }
}

async function follow(sluice: Sluice, id: BackfillId, progress: BackfillProgress, signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  const runs = new Set<Promise<void>>()
  const tell = async (slice: string, run: RunId): Promise<void> => {
    for await (const event of sluice.engine.follow(run, { signal: over.signal })) progress.event(slice, event)
  }
  let ended = false
  try {
    for await (const event of sluice.engine.backfills.follow(id, signal)) {
      if (event.tag === 'begun') {
        // Only words: what became of the run stands in its record.
        const following = tell(event.slice, event.run)
          .catch(() => {})
          .finally(() => runs.delete(following))
        runs.add(following)
      } else progress.stands(event.backfill)
      // Of a paused one runs may wait for long.
      ended = event.tag === 'finished' && event.backfill.state !== 'paused'
    }
  } finally {
    if (!ended) over.abort()
    await Promise.all(runs)
  }
}
