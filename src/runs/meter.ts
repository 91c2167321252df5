import type { Beat } from '../state/attempt.ts'

/**
 * How far an attempt is: the running phase with its counts, and the phases that have ended. Pure but for the clock that it
 * is given (milliseconds, monotonic).
 */
export interface Meter {
  phase(name: string, expect?: { readonly rows?: number }): void
  progress(done: { readonly rows?: number; readonly bytes?: number }): void
  /** As a heartbeat carries it. With `ended`, the running phase counts among those that have ended. */
  read(ended?: boolean): Beat
  /** Whether something has changed since the last `read`. */
  readonly dirty: boolean
  /** When something last moved, on the meter's clock. */
  readonly movedAt: number
}

export function openMeter(clock: () => number = () => performance.now()): Meter {
  let running: { name: string; rows: number; rowsExpected: number | null; bytes: number; startedAt: number } | null =
    null
  const phases: Beat['phases'][number][] = []
  let dirty = false
  let movedAt = clock()

  const ended = (): Beat['phases'] => {
    if (running === null) return phases
    const { startedAt, ...counts } = running
    return [...phases, { ...counts, seconds: Math.round(clock() - startedAt) / 1000 }]
  }
  const moved = (): void => {
    dirty = true
    movedAt = clock()
  }
  return {
    phase: (name, expect) => {
      phases.splice(0, phases.length, ...ended())
      running = { name, rows: 0, rowsExpected: expect?.rows ?? null, bytes: 0, startedAt: clock() }
      moved()
    },
    progress: (done) => {
      running ??= { name: 'work', rows: 0, rowsExpected: null, bytes: 0, startedAt: clock() }
      running.rows += done.rows ?? 0
      running.bytes += done.bytes ?? 0
      moved()
    },
    read: (end = false) => {
      dirty = false
      return {
        phase: running?.name ?? null,
        elapsedMs: running === null ? 0 : Math.round(clock() - running.startedAt),
        progress: { rows: running?.rows ?? 0, rowsExpected: running?.rowsExpected ?? null, bytes: running?.bytes ?? 0 },
        phases: end ? ended() : [...phases],
      }
    },
    get dirty() {
      return dirty
    },
    get movedAt() {
      return movedAt
    },
  }
}

/** Milliseconds until the phase is over, if it goes on as it did; null while nothing can be said. Pure. */
export function eta(
  phase: { readonly rows: number; readonly rowsExpected: number | null },
  elapsedMs: number,
): number | null {
  if (phase.rowsExpected === null || phase.rows <= 0 || elapsedMs <= 0) return null
  return Math.max(0, Math.round((elapsedMs * (phase.rowsExpected - phase.rows)) / phase.rows))
}
