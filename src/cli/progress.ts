import { Listr, ListrLogger, ProcessOutput } from 'listr2'
import { formatDuration } from '../lib/duration.ts'
import type { LogLine, Phase, RunEvent, RunRecord } from '../runs/engine.ts'
import { formatBytes, formatCount, formatRows, formatSpan } from './format.ts'
import type { Output } from './output.ts'

/** Shows runs while they go on, several at once: bars on a terminal, plain lines elsewhere. All on stderr. */
export interface Progress {
  event(flow: string, event: RunEvent): void
  /** This flow is not going to run, or its run has ended: `says` is its last line. */
  end(flow: string, ok: boolean, says: string): void
  /** Lets go of the terminal. */
  close(): Promise<void>
}

export function showProgress(flows: readonly string[], out: Output): Progress {
  return out.live && !out.verbose ? liveProgress(flows, out) : plainProgress(out)
}

/** A flow's speed, measured from the phase's first event: what the reader sees, whoever works. */
export class Meter {
  readonly #format: typeof formatPhase
  #phase = ''
  #since = 0
  #rows = 0

  constructor(format: typeof formatPhase) {
    this.#format = format
  }

  line(phase: Phase, etaMs: number | null, now: number): string {
    if (phase.name !== this.#phase) {
      this.#phase = phase.name
      this.#since = now
      this.#rows = phase.rows
    }
    const seconds = (now - this.#since) / 1_000
    const speed = seconds < 0.5 ? null : (phase.rows - this.#rows) / seconds
    return this.#format(phase, speed, etaMs)
  }
}

/** `load  1,200,000 of 3,000,000 rows · 800,000 rows/s · 120 MB · 2 s left`. Pure. */
export function formatPhase(phase: Phase, rowsPerSecond: number | null, etaMs: number | null): string {
  const parts: string[] = []
  if (phase.rowsExpected !== null && phase.rowsExpected > 0)
    parts.push(`${formatCount(phase.rows)} of ${formatRows(phase.rowsExpected)}`)
  else if (phase.rows > 0) parts.push(formatRows(phase.rows))
  if (rowsPerSecond !== null && rowsPerSecond >= 1) parts.push(`${formatCount(Math.round(rowsPerSecond))} rows/s`)
  if (phase.bytes > 0) parts.push(formatBytes(phase.bytes))
  if (etaMs !== null && etaMs >= 1_000) parts.push(`${formatDuration(Math.round(etaMs / 1_000) * 1_000)} left`)
  return [phase.name, parts.join(' · ')].filter((part) => part !== '').join('  ')
}

/** The same behind a bar, `load  ███████░░░░░  1,200,000 of …`, where it is known how much there is to do. Pure. */
export function formatBarred(phase: Phase, rowsPerSecond: number | null, etaMs: number | null): string {
  const { name, rows, rowsExpected } = phase
  const line = formatPhase(phase, rowsPerSecond, etaMs)
  if (rowsExpected === null || rowsExpected <= 0) return line
  return `${name}  ${formatBar(rows / rowsExpected)}${line.slice(name.length)}`
}

export function formatBar(share: number, width = 20): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width)
  return '█'.repeat(full) + '░'.repeat(width - full)
}

function liveProgress(flows: readonly string[], out: Output): Progress {
  const meters = new Map(flows.map((flow) => [flow, new Meter(formatBarred)]))
  const lines = liveLines(flows, out)
  return {
    event(flow, event) {
      if (event.tag === 'progress')
        lines.show(flow, meters.get(flow)?.line(event.phase, event.etaMs, performance.now()) ?? '')
    },
    end: lines.end,
    close: lines.close,
  }
}

/** A line on the terminal for each name, which changes in its place. */
export function liveLines(
  names: readonly string[],
  out: Output,
): {
  show(name: string, text: string): void
  end(name: string, ok: boolean, says: string): void
  close(): Promise<void>
} {
  const tasks = new Map<string, { title: string }>()
  const ends = new Map(names.map((name) => [name, Promise.withResolvers<void>()]))
  const list = new Listr(
    names.map((name) => ({
      title: name,
      task: async (_, task) => {
        tasks.set(name, task)
        await ends.get(name)?.promise
      },
    })),
    {
      concurrent: true,
      exitOnError: false,
      // The launcher of signals is ours.
      registerSignalListeners: false,
      forceTTY: true,
      rendererOptions: {
        collapseErrors: false,
        showErrorMessage: false,
        logger: new ListrLogger({ useIcons: true, processOutput: new ProcessOutput(process.stderr, process.stderr) }),
      },
    },
  )
  const shown = list.run().catch(() => undefined)
  return {
    show(name, text) {
      const task = tasks.get(name)
      if (task !== undefined) task.title = `${name}  ${out.style('dim', text)}`
    },
    end(name, ok, says) {
      const task = tasks.get(name)
      if (task !== undefined) task.title = `${name}  ${says}`
      if (ok) ends.get(name)?.resolve()
      else ends.get(name)?.reject(new Error(says))
    },
    async close() {
      for (const end of ends.values()) end.resolve()
      await shown
    },
  }
}

/** A line at each phase and at most every ten seconds within it. */
function plainProgress(out: Output): Progress {
  const last = new Map<string, { phase: string; at: number; meter: Meter }>()
  return {
    event(flow, event) {
      if (event.tag === 'log') {
        if (event.line.level === 'warn' || event.line.level === 'error') out.say(`${flow}: ${formatLog(event.line)}`)
        else out.detail(`${flow}: ${formatLog(event.line)}`)
      }
      if (event.tag !== 'progress') return
      const now = performance.now()
      const before = last.get(flow) ?? { phase: '', at: -Infinity, meter: new Meter(formatPhase) }
      const line = before.meter.line(event.phase, event.etaMs, now)
      if (event.phase.name === before.phase && now - before.at < 10_000) return
      last.set(flow, { phase: event.phase.name, at: now, meter: before.meter })
      out.say(`${flow}: ${line}`)
    },
    end(flow, _ok, says) {
      out.say(`${flow}: ${says}`)
    },
    close: () => Promise.resolve(),
  }
}

/** A log line without its time: level unless it is `info`, message, fields. */
export function formatLog(line: LogLine): string {
  const fields = Object.entries(line.fields)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
  return [line.level === 'info' ? '' : `${line.level}:`, line.message, fields].filter((part) => part !== '').join(' ')
}

/** How a run ended, in one line. */
export function formatEnd(run: RunRecord): string {
  const took = run.startedAt === null ? '' : ` in ${formatSpan(run.startedAt, run.finishedAt)}`
  switch (run.outcome) {
    case 'succeeded':
      return `succeeded: ${run.rows === null ? 'done' : formatRows(run.rows)}${took}`
    case 'skipped':
      return `skipped: ${run.reason ?? 'nothing to do'}`
    case 'cancelled':
      return `cancelled${run.reason === null ? '' : `: ${run.reason}`}`
    case 'failed':
      return `failed${took}: ${run.error === null ? 'without a word' : `${run.error.code}: ${run.error.summary}`}`
    case null:
      return isLive(run) || run.startedAt === null ? 'goes on' : formatState(run)
  }
}

/** In what state a run is, in a word or a few. */
export function formatState(run: RunRecord): string {
  if (run.outcome !== null) return run.outcome
  if (isLive(run)) return 'running'
  return run.attempts.at(-1)?.outcome === 'interrupted' ? 'interrupted, waits for a worker' : 'waiting'
}

function isLive({ attempts }: RunRecord): boolean {
  return attempts.some(({ outcome }) => outcome === null)
}
