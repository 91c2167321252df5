import { Command } from 'commander'
import type { FlowVerification } from '../../sluice.ts'
import { cancelOnInterrupt } from '../perform.ts'
import { formatCount, formatRelative } from '../format.ts'
import { act, type ExitCode, type Invocation } from '../invocation.ts'
import { chosenFlows } from '../flows.ts'
import { showProgress, type Progress } from '../progress.ts'
import { formatTable } from '../table.ts'

export function verifyCommand(): Command {
  return new Command('verify')
    .description('compare source and target, row by row')
    .argument('[flows...]', 'only these; default: all')
    .option('--strict', 'a source that moved since it was published is a finding, too')
    .addHelpText(
      'after',
      `
Exits with 3 when they differ, with 1 when they could not be compared.

Examples:
  $ sluice verify teacher_data
  $ sluice verify --strict --json`,
    )
    .action(act(verify))
}

type Verified = FlowVerification['verifications'][number]

async function verify(
  invocation: Invocation,
  named: readonly string[],
  options: { readonly strict?: boolean },
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
  const letGo = cancelOnInterrupt(invocation, sluice, 'verify', running)
  const found: FlowVerification[] = []
  try {
    for (const name of names) {
      running.add(name)
      const verified = await sluice.verify([name], { strict: options.strict === true, signal: interrupts.signal })
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

function isFailed({ run, verifications }: FlowVerification): boolean {
  return run.outcome !== 'succeeded' || verifications.some(({ verdict }) => verdict === 'failed')
}

function formatVerdict(found: readonly FlowVerification[]): { readonly ok: boolean; readonly says: string } {
  const verdicts = found.flatMap(({ verifications }) => verifications.map(({ verdict }) => verdict))
  const failed = found.find(isFailed)
  if (failed !== undefined) return { ok: false, says: failed.run.error?.summary ?? 'could not be compared' }
  return { ok: !verdicts.includes('differs'), says: [...new Set(verdicts)].join(', ') || 'nothing to compare' }
}

/** CONTRACTS §5: one entry a slice; a flow that could not be compared has one without a slice. */
function toJson({ flow, run, verifications }: FlowVerification): readonly unknown[] {
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
        error: run.error,
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
      error: run.error,
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
  const notes = found.flatMap(({ flow, run, verifications }) => [
    ...(run.error === null ? [] : [`${flow}: ${run.error.summary}: ${run.error.why}`, `  fix: ${run.error.fix}`]),
    ...verifications.flatMap(({ examples }) => examples.map((example) => `${flow}: ${formatExample(example)}`)),
  ])
  return [table, ...(notes.length === 0 ? [] : ['', ...notes])].join('\n')
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
