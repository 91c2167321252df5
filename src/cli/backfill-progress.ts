/** A backfill while it goes on: a bar on a terminal, plain lines elsewhere. All on stderr. */
import { formatDuration } from '../lib/duration.ts'
import type { BackfillRecord } from '../runs/backfills.ts'
import type { RunEvent } from '../runs/engine.ts'
import { formatCount, formatSpan } from './format.ts'
import type { Output } from './output.ts'
import { formatBar, formatLog, formatPhase, liveLines, Meter } from './progress.ts'

export interface BackfillProgress {
  /** How it stands. */
  stands(backfill: BackfillRecord): void
  /** Something of the run that does this slice. */
  event(slice: string, event: RunEvent): void
  /** What it came to. */
  end(backfill: BackfillRecord): void
  /** Lets go of the terminal. */
  close(): Promise<void>
}

export function showBackfill({ flow, slices }: BackfillRecord, out: Output): BackfillProgress {
  // Of many slices only their number is told: the phases of each would bury it.
  const only = slices.total === 1
  return out.live && !out.verbose ? liveBackfill(flow, only, out) : plainBackfill(flow, only, out)
}

function liveBackfill(flow: string, only: boolean, out: Output): BackfillProgress {
  const lines = liveLines([flow], out)
  const meter = new Meter(formatPhase)
  let standing = ''
  let phase = ''
  const show = (): void => lines.show(flow, [standing, phase].filter((part) => part !== '').join(' · '))
  return {
    stands(backfill) {
      standing = `${formatBar(endedOf(backfill) / Math.max(1, backfill.slices.total))}  ${formatStanding(backfill)}`
      show()
    },
    event(_slice, event) {
      if (!only || event.tag !== 'progress') return
      phase = meter.line(event.phase, event.etaMs, performance.now())
      show()
    },
    end: (backfill) => lines.end(flow, backfill.state === 'done', formatBackfillEnd(backfill)),
    close: lines.close,
  }
}

/** A line when it begins, at most every ten seconds after that, and whatever its runs warn of. */
function plainBackfill(flow: string, only: boolean, out: Output): BackfillProgress {
  const meter = new Meter(formatPhase)
  let said = ''
  let phase = ''
  let at = -Infinity
  const now = (): number => performance.now()
  return {
    stands(backfill) {
      const text = formatStanding(backfill)
      // What is left changes with every look, and is no news by itself.
      const news = formatStanding({ ...backfill, etaMs: null })
      if (news === said || now() - at < 10_000) return
      said = news
      at = now()
      out.say(`${flow}: ${text}`)
    },
    event(slice, event) {
      if (event.tag === 'log') {
        const { level } = event.line
        const tell = level === 'warn' || level === 'error' ? out.say : out.detail
        tell(`${flow} ${slice}: ${formatLog(event.line)}`)
      }
      if (!only || event.tag !== 'progress' || event.phase.name === phase) return
      phase = event.phase.name
      out.say(`${flow} ${slice}: ${meter.line(event.phase, event.etaMs, now())}`)
    },
    end: (backfill) => out.say(`${flow}: ${formatBackfillEnd(backfill)}`),
    close: () => Promise.resolve(),
  }
}

function endedOf({ slices }: BackfillRecord): number {
  return slices.succeeded + slices.skipped + slices.failed + slices.cancelled
}

/** `12 of 40 slices · 2 running · 1 failed · 5 min left`. Pure. */
export function formatStanding(backfill: BackfillRecord): string {
  const { slices, etaMs } = backfill
  const parts = [`${formatCount(endedOf(backfill))} of ${formatSlices(slices.total)}`]
  for (const state of ['running', 'failed', 'cancelled'] as const)
    if (slices[state] > 0) parts.push(`${formatCount(slices[state])} ${state}`)
  if (etaMs !== null && etaMs >= 1_000 && slices.waiting + slices.running > 0) parts.push(`${formatLeft(etaMs)} left`)
  return parts.join(' · ')
}

/** `1 slice`, `3,376 slices`. */
export function formatSlices(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'slice' : 'slices'}`
}

/** Whole seconds: nobody counts the rest. */
export function formatLeft(ms: number): string {
  return formatDuration(Math.round(ms / 1_000) * 1_000)
}

/** What it came to, or how it stands, in one line. Pure. */
export function formatBackfillEnd(backfill: BackfillRecord): string {
  const { id, state, slices, stopped, requestedAt, finishedAt } = backfill
  const done = slices.succeeded + slices.skipped
  const by = stopped === null ? '' : ` by ${stopped.by}${stopped.reason === null ? '' : `: ${stopped.reason}`}`
  const share = `${formatCount(done)} of ${formatSlices(slices.total)} done`
  switch (state) {
    case 'done':
      return `done: ${formatSlices(slices.total)} in ${formatSpan(requestedAt, finishedAt)}`
    case 'failed':
      return `failed: ${formatCount(slices.failed)} of ${formatSlices(slices.total)} failed; \`sluice backfill retry ${id}\` does them again`
    case 'cancelled':
      return `cancelled${by}; ${share}`
    case 'paused':
      return `paused${by}; ${share}; \`sluice backfill resume ${id}\` goes on`
    case 'running':
      return `goes on: ${formatStanding(backfill)}`
  }
}
