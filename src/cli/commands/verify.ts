import { Command } from 'commander'
import type { FlowVerification } from '../../sluice.ts'
import { cancelOnInterrupt, cancelQuestion, cancelRuns } from '../perform.ts'
import { formatCount, formatRelative } from '../format.ts'
import { act, type ExitCode, type Invocation } from '../invocation.ts'
import { chosenFlows } from '../flows.ts'
import { showProgress, type Progress } from '../progress.ts'
import { formatTable } from '../table.ts'

export function verifyCommand(): Command {
  return new Command('verify')
    .description('compare source and target, row by row')
    .argument('[flows...]', 'only these; default: all')
    .option('--repair', 'redo what differs, under the guard of its flow, and compare again')
    .option('--strict', 'a source that moved since it was published is a finding, too')
    .addHelpText(
      'after',
      `
Exits with 3 when they differ (with --repair: still), with 1 when they could not be compared or repaired.

Examples:
  $ sluice verify teacher_data
  $ sluice verify teacher_data --repair`,
    )
    .action(act(verify))
}

type Verified = FlowVerification['verifications'][number]

async function verify(
  invocation: Invocation,
  named: readonly string[],
  options: { readonly strict?: boolean; readonly repair?: boolean },
): Promise<ExitCode> {
  const { out, interrupts } = invocation
  let progress: Progress | null = null
  const sluice = await invocation.open({ onEvent: (flow, event) => progress?.event(flow, event) })
  const names = chosenFlows(
    sluice.flows.map((flow) => flow.name),
    named,
  )
  progress = showProgress(names, out)
  const running = new Set<string>()
  const letGo = cancelOnInterrupt(invocation, cancelQuestion, () =>
    cancelRuns(sluice, running, (run) => run.operation === 'verify' || run.options.repair === true),
  )
  const found: FlowVerification[] = []
  try {
    for (const name of names) {
      running.add(name)
      const verified = await sluice.verify([name], {
        strict: options.strict === true,
        repair: options.repair === true,
        signal: interrupts.signal,
      })
      running.delete(name)
      found.push(...verified)
      const { ok, says } = formatVerdict(verified)
      progress.end(name, ok, says)
    }
  } finally {
    letGo()
    await progress.close()
  }
  if (out.json) out.document({ flows: found.flatMap(toJson) })
  else out.text(formatVerifications(found))
  if (found.some(isFailed)) return 1
  const differs = found.some(({ verifications }) =>
    verifications.some(
      ({ verdict, sourceChanged }) => verdict === 'differs' || (options.strict === true && sourceChanged),
    ),
  )
  return differs ? 3 : 0
}

function isFailed({ run, repair, verifications }: FlowVerification): boolean {
  if (repair !== null && !redone(repair)) return true
  return run.outcome !== 'succeeded' || verifications.some(({ verdict }) => verdict === 'failed')
}

/** Skipped: another run has redone it meanwhile. */
function redone({ outcome }: NonNullable<FlowVerification['repair']>): boolean {
  return outcome === 'succeeded' || outcome === 'skipped'
}

function formatVerdict(found: readonly FlowVerification[]): { readonly ok: boolean; readonly says: string } {
  const verdicts = found.flatMap(({ verifications }) => verifications.map(({ verdict }) => verdict))
  const failed = found.find(isFailed)
  if (failed !== undefined) {
    const error = failed.repair?.error ?? failed.run.error
    return {
      ok: false,
      says: error?.summary ?? (failed.repair === null ? 'could not be compared' : 'was not repaired'),
    }
  }
  return { ok: !verdicts.includes('differs'), says: [...new Set(verdicts)].join(', ') || 'nothing to compare' }
}

/** CONTRACTS §5: one entry a slice; a flow that could not be compared has one without a slice. */
function toJson({ flow, run, repair, verifications }: FlowVerification): readonly unknown[] {
  if (verifications.length === 0) {
    return [
      {
        name: flow,
        slice: null,
        verdict: run.outcome === 'succeeded' ? 'identical' : 'failed',
        compared: 0,
        missing: 0,
        extra: 0,
        changed: 0,
        asOf: null,
        sourceAsOf: null,
        sourceChanged: false,
        error: repair?.error ?? run.error,
        examples: [],
      },
    ]
  }
  return verifications.map(
    ({ slice, verdict, compared, missing, extra, changed, asOf, sourceAsOf, sourceChanged, examples }) => ({
      name: flow,
      slice,
      verdict,
      compared,
      missing,
      extra,
      changed,
      asOf,
      sourceAsOf,
      sourceChanged,
      error: repair?.error ?? run.error,
      examples,
    }),
  )
}

function formatVerifications(found: readonly FlowVerification[]): string {
  const now = new Date()
  const table = formatTable(
    [
      { title: 'FLOW' },
      { title: 'SLICE' },
      { title: 'VERDICT' },
      ...['COMPARED', 'MISSING', 'EXTRA', 'CHANGED'].map((title) => ({ title, align: 'right' as const })),
      { title: 'AS OF' },
    ],
    found.flatMap(({ flow, run, verifications }) =>
      verifications.length === 0
        ? [[flow, '-', run.error === null ? 'nothing to compare' : `failed: ${run.error.code}`]]
        : verifications.map((one) => [
            flow,
            one.slice,
            one.verdict + (one.sourceChanged ? ' (the source has changed since)' : ''),
            ...[one.compared, one.missing, one.extra, one.changed].map(formatCount),
            formatRelative(one.asOf, now),
          ]),
    ),
  )
  const notes = found.flatMap(({ flow, run, repair, verifications }) => [
    ...formatRepair(flow, repair, verifications),
    ...(run.error === null ? [] : [`${flow}: ${run.error.summary}: ${run.error.why}`, `  fix: ${run.error.fix}`]),
    ...verifications.flatMap(({ examples }) => examples.map((example) => `${flow}: ${formatExample(example)}`)),
  ])
  return [table, ...(notes.length === 0 ? [] : ['', ...notes])].join('\n')
}

function formatRepair(
  flow: string,
  repair: FlowVerification['repair'],
  verifications: readonly Verified[],
): readonly string[] {
  if (repair === null) return []
  if (repair.error !== null)
    return [`${flow}: not repaired: ${repair.error.summary}: ${repair.error.why}`, `  fix: ${repair.error.fix}`]
  if (!redone(repair)) return [`${flow}: not repaired: ${repair.reason ?? 'its run has not ended'}`]
  return verifications.some(({ verdict }) => verdict === 'differs')
    ? [
        `${flow}: redone, and still differs: its mode leaves what it does not change or remove, or the source moved meanwhile`,
      ]
    : [`${flow}: repaired by run ${repair.id}`]
}

const sides = { missing: 'in the source only', extra: 'in the target only', changed: 'differs' } as const

function formatExample({ key, count, difference, columns }: Verified['examples'][number]): string {
  const row =
    key === null
      ? 'a row'
      : Object.entries(key)
          .map(([column, value]) => `${column} ${value ?? 'null'}`)
          .join(', ')
  const times = count === 1 ? '' : ` (${count} times)`
  return `${row}: ${sides[difference]}${columns.length === 0 ? '' : ` in ${columns.join(', ')}`}${times}`
}
