/**
 * Keeps an attempt's lease alive, and ends the attempt's work when it cannot:
 *
 *     alive ──beat──> alive
 *       ├──(the lease is over, or somebody else has the run)──> aborted, LEASE_LOST
 *       ├──(no beat got through for a whole lease)────────────> aborted, LEASE_LOST
 *       ├──(somebody asked to cancel)─────────────────────────> aborted, RUN_CANCELLED
 *       └──(nothing moved for `timeout`)──────────────────────> aborted, RUN_STALLED
 *
 * After SIGSTOP and SIGCONT the first beat finds the lease over; the database's clock decides, not this process's.
 */
import { SluiceError } from '../lib/error.ts'
import { beat } from '../state/attempt.ts'
import { readCancelled } from '../state/run.ts'
import type { Claimed } from './claim.ts'
import type { EngineContext } from './context.ts'
import { leaseLost } from './finish.ts'
import type { Meter } from './meter.ts'

const tickMs = 1000

export interface Pulse extends AsyncDisposable {
  /** Aborted with the error that ends the attempt. */
  readonly signal: AbortSignal
  abort(error: SluiceError): void
}

export async function startPulse(engine: EngineContext, claimed: Claimed, meter: Meter): Promise<Pulse> {
  const { state, leases } = engine
  const controller = new AbortController()
  const abort = (error: SluiceError): void => {
    if (!controller.signal.aborted) controller.abort(error)
  }
  let sentAt = performance.now()
  let beating: Promise<void> | undefined
  let stopped = false
  const every = Math.min(tickMs, Math.ceil(leases.beatMs / 2))

  const send = async (): Promise<void> => {
    const at = performance.now()
    const { timeout } = claimed.flow.timing
    if (timeout !== null && at - meter.movedAt > timeout) abort(stalled(claimed, timeout))
    if (meter.dirty || at - sentAt >= leases.beatMs) {
      const alive = await beat(state.db, state, claimed.token, leases.leaseMs, meter.read())
      if (stopped) return
      if (alive === undefined) return abort(leaseLost(claimed.run.id))
      sentAt = at
      if (alive.cancelled) abort(cancelledError(claimed))
      // Followers are told of progress; nobody is told twice, since nothing else rings here.
      await engine.bell.ring(state.db, { topic: 'run', run: claimed.run.id, flow: claimed.run.flow })
    } else {
      const [cancelled] = await readCancelled(state.db, state, [claimed.run.id])
      if (cancelled !== undefined) abort(cancelledError(claimed))
    }
  }
  const pulse = (): void => {
    // A beat that hangs, or that the database refuses, counts as none: the lease runs on from the last that was sent well.
    if (performance.now() - sentAt > leases.leaseMs)
      abort(leaseLost(claimed.run.id, 'no heartbeat got through for as long as a lease lasts'))
    if (controller.signal.aborted) return
    beating ??= send()
      .catch(() => {})
      .finally(() => {
        beating = undefined
      })
  }
  const timer = setInterval(pulse, every)
  return {
    signal: controller.signal,
    abort,
    [Symbol.asyncDispose]: async () => {
      stopped = true
      clearInterval(timer)
      await beating
    },
  }
}

function cancelledError({ flow }: Claimed): SluiceError {
  return new SluiceError('RUN_CANCELLED', `The run of ${flow.name} was cancelled`, {
    why: 'somebody asked for it',
    fix: `sluice run ${flow.name}`,
    where: { flow: flow.name },
  })
}

function stalled({ flow }: Claimed, timeout: number): SluiceError {
  return new SluiceError('RUN_STALLED', `The run of ${flow.name} stood still`, {
    why: `nothing moved for ${Math.round(timeout / 1000)} s, which is the flow's \`timeout\``,
    fix: 'see the last phase in sluice logs; raise `timeout` if the store is just slow',
    where: { flow: flow.name },
  })
}
