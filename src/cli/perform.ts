import { userInfo } from 'node:os'
import { createInterface } from 'node:readline/promises'
import type { RunRecord } from '../runs/engine.ts'
import type { RunOptions, Sluice } from '../sluice.ts'
import type { Invocation } from './invocation.ts'
import { chosenFlows } from './flows.ts'
import { inOrder } from './order.ts'
import { formatEnd, type Progress, showProgress } from './progress.ts'

export const cancelQuestion = 'Cancel what is running? Old content stays.'

export interface Performed {
  readonly runs: readonly RunRecord[]
  /** Flows that were left because one that they come after did not end well. */
  readonly left: readonly { readonly flow: string; readonly reason: string }[]
}

/**
 * Runs flows (none named: all), several at once and each after those it comes after, showing progress; Ctrl-C asks and cancels.
 * `opened` is called before the first one.
 */
export async function performRuns(
  invocation: Invocation,
  named: readonly string[],
  options: RunOptions,
  opened: (sluice: Sluice) => Promise<void> = () => Promise.resolve(),
): Promise<Performed & { readonly sluice: Sluice }> {
  let progress: Progress | null = null
  const sluice = await invocation.open({ onEvent: (flow, event) => progress?.event(flow, event) })
  await opened(sluice)
  const names = chosenFlows(
    sluice.flows.map((flow) => flow.name),
    named,
  )
  const running = new Set<string>()
  const letGo = cancelOnInterrupt(invocation, cancelQuestion, () =>
    cancelRuns(sluice, running, ({ operation }) => operation === 'apply'),
  )
  progress = showProgress(names, invocation.out)
  const shown = progress
  try {
    const flows = sluice.flows.filter((flow) => names.includes(flow.name))
    const fates = await inOrder(
      names.flatMap((name) => {
        const flow = flows.find((one) => one.name === name)
        return flow === undefined ? [] : [{ name, after: flow.timing.after }]
      }),
      async (name) => {
        running.add(name)
        try {
          const [run] = await sluice.run([name], options)
          if (run === undefined) throw new Error(`no run came of ${name}`)
          shown.end(name, run.outcome === 'succeeded' || run.outcome === 'skipped', formatEnd(run))
          return run
        } finally {
          running.delete(name)
        }
      },
      (run) => run.outcome === 'succeeded' || run.outcome === 'skipped',
    )
    const runs: RunRecord[] = []
    const left: { flow: string; reason: string }[] = []
    for (const fate of fates) {
      if (fate.tag === 'done') runs.push(fate.result)
      else {
        const reason = `it comes after ${fate.because}, which did not succeed`
        shown.end(fate.name, false, `not run: ${reason}`)
        left.push({ flow: fate.name, reason })
      }
    }
    return { runs, left, sluice }
  } finally {
    letGo()
    await shown.close()
  }
}

/** Cancels the unfinished runs of these flows that `which` names. */
export async function cancelRuns(
  sluice: Sluice,
  flows: ReadonlySet<string>,
  which: (run: RunRecord) => boolean,
): Promise<void> {
  for (const flow of sluice.flows.filter(({ name }) => flows.has(name))) {
    const open = await sluice.engine.runs({ flow: flow.name, outcomes: ['waiting', 'running'], limit: 100 })
    const last = open.find(which)
    if (last !== undefined) await sluice.engine.cancel(last.id, userInfo().username, 'interrupted at the command line')
  }
}

/** The first Ctrl-C asks on a terminal whether to cancel, and cancels elsewhere; the second aborts. */
export function cancelOnInterrupt(
  { interrupts, out }: Invocation,
  question: string,
  cancel: () => Promise<unknown>,
): () => void {
  const failed = (error: unknown): void => {
    out.warn(`cancelling failed: ${error instanceof Error ? error.message : String(error)}`)
    interrupts.interrupt()
  }
  return interrupts.onFirst((name) => {
    if (name !== 'SIGINT' || !out.interactive) {
      out.warn(`${name === 'SIGINT' ? 'Ctrl-C' : name}: cancelling; once more to abort`)
      cancel().catch(failed)
      return
    }
    const ask = createInterface({ input: process.stdin, output: process.stderr })
    ask.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    ask
      .question(`\n${question} [y/N] `)
      .then(async (answer) => {
        ask.close()
        if (/^y(es)?$/i.test(answer.trim())) await cancel()
        else out.warn('it goes on; Ctrl-C aborts')
      })
      .catch(failed)
  })
}
