import { userInfo } from 'node:os'
import { Command, InvalidArgumentError } from 'commander'
import { SluiceError, type ErrorRecord } from '../../lib/error.ts'
import type {
  BackfillPreview,
  BackfillRange,
  BackfillRecord,
  BackfillSlice,
  BackfillSliceState,
} from '../../runs/backfills.ts'
import type { Sluice } from '../../sluice.ts'
import { formatBackfillEnd, formatLeft, formatSlices } from '../backfill-progress.ts'
import { formatError } from '../error.ts'
import { formatCount, formatRelative } from '../format.ts'
import { act, type ExitCode, type Invocation } from '../invocation.ts'
import { seeThrough } from '../see-through.ts'
import { formatTable } from '../table.ts'
import { flowOf } from './pause.ts'
import { shorten, wholeNumber } from './runs.ts'

const goesOn = `Ctrl-C on a terminal asks whether to cancel the backfill, elsewhere it cancels it. A command that is killed leaves it as it is: the next
worker (\`sluice up\`) goes on, or \`sluice backfill resume\`. Exits with 1 when it was not done: a slice failed, or somebody paused or
cancelled it.`

export function backfillCommand(): Command {
  const backfill = new Command('backfill')
    .description('redo a range of slices of a flow, newest first, behind live work, and follow it to its end')
    .argument('<flow>', 'its name')
    .option('--from <bound>', "the beginning of the range: a day, month or year of the flow's time zone, or an instant")
    .option('--to <bound>', 'the end of the range: that day, month or year is in it, an instant is not')
    .option('-g, --grain <period>', 'only what a rollup counts by this period: hour, day, week, month, year, …')
    .option('--clear', 'what lies in the range and cannot be made again goes, too')
    .option('-s, --slice <key...>', 'only these slices')
    .option('-f, --force', 'what is up to date, too, and whatever the guard says')
    .option('--at-once <count>', 'how many slices are worked on at once, 1 to 16', atOnce, 2)
    .option('-n, --dry-run', 'print the exact slices, and do nothing')
    .addHelpText(
      'after',
      `
${goesOn}

What is up to date is left as it is, unless it is forced: a backfill that has nothing to redo is done. A \`sync\` has one slice, \`all\`,
and no range. Of a \`rollup\` every bucket that has a part in the range is redone, whole; buckets whose events are no longer kept are
left, or cleared away with --clear.

Examples:
  $ sluice backfill teacher_data --force --dry-run
  $ sluice backfill blog_views --grain day --from 2025-01-01 --to 2025-01-31 --force`,
    )
    .hook('preSubcommand', (above, below) => refuseOwn(above, below.name()))
    .action(act(create))
  backfill
    .command('list')
    .description('backfills, newest first')
    .argument('[flow]', 'only of this flow')
    .option('-l, --limit <count>', 'at most so many', wholeNumber, 20)
    .addHelpText(
      'after',
      `
Examples:
  $ sluice backfill list
  $ sluice backfill list teacher_data --limit 5 --json`,
    )
    .action(act(list))
  backfill
    .command('show')
    .description('a backfill and its slices, in the order in which they are done')
    .argument('<backfill>', 'its id, or as much of it as fits only one')
    .option('--state <state...>', 'only slices of which this became: failed, cancelled, waiting, …', stateOf)
    .option('-l, --limit <count>', 'at most so many slices', wholeNumber, 100)
    .addHelpText(
      'after',
      `
Examples:
  $ sluice backfill show 019aab12-3456
  $ sluice backfill show 019aab12-3456 --state failed --json`,
    )
    .action(act(show))
  backfill
    .command('pause')
    .description('begin nothing more of a backfill until it is resumed; what runs goes on')
    .argument('<backfill>', 'its id, or as much of it as fits only one')
    .option('-r, --reason <text>', 'why; recorded with the backfill')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice backfill pause 019aab12-3456
  $ sluice backfill pause 019aab12-3456 --reason "the warehouse is busy"`,
    )
    .action(act(pause))
  backfill
    .command('resume')
    .description('let a paused backfill go on, or one whose worker died, and follow it to its end')
    .argument('<backfill>', 'its id, or as much of it as fits only one')
    .addHelpText(
      'after',
      `
${goesOn}

Examples:
  $ sluice backfill resume 019aab12-3456
  $ sluice backfill resume 019aab12-3456 --json`,
    )
    .action(act(resume))
  backfill
    .command('retry')
    .description('do again what failed or was cancelled, and only that, and follow it to its end')
    .argument('<backfill>', 'its id, or as much of it as fits only one')
    .addHelpText(
      'after',
      `
${goesOn}

Examples:
  $ sluice backfill retry 019aab12-3456
  $ sluice backfill retry 019aab12-3456 --json`,
    )
    .action(act(retry))
  backfill
    .command('cancel')
    .description('stop a backfill: what runs is cancelled, what waits is not done, what is done stays')
    .argument('<backfill>', 'its id, or as much of it as fits only one')
    .option('-r, --reason <text>', 'why; recorded with the backfill')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice backfill cancel 019aab12-3456
  $ sluice backfill cancel 019aab12-3456 --reason "the wrong range"`,
    )
    .action(act(cancel))
  return backfill
}

/** commander takes an option of `backfill` wherever it stands: below another command it would say nothing. */
function refuseOwn(above: Command, below: string): void {
  const given = above.options.find((option) => above.getOptionValueSource(option.attributeName()) === 'cli')
  if (given === undefined) return
  throw new SluiceError('USAGE', 'The command line is not understood', {
    why: `\`backfill ${below}\` has no ${given.long}`,
    fix: `see \`sluice help backfill\``,
  })
}

interface CreateOptions {
  readonly from?: string
  readonly to?: string
  readonly slice?: readonly string[]
  readonly force?: boolean
  readonly grain?: string
  readonly clear?: boolean
  readonly atOnce: number
  readonly dryRun?: boolean
}

async function create(invocation: Invocation, name: string, options: CreateOptions): Promise<ExitCode> {
  const { interrupts, open, out } = invocation
  const sluice = await open()
  const range: BackfillRange = {
    flow: flowOf(sluice, name).name,
    from: options.from ?? null,
    to: options.to ?? null,
    slices: (options.slice as BackfillRange['slices'] | undefined) ?? null, // the kind refuses keys that it does not know
    force: options.force === true,
    grain: options.grain ?? null,
    clear: options.clear === true,
  }
  const { backfills } = sluice.engine
  const by = userInfo().username
  const preview = (): Promise<BackfillPreview> => backfills.preview(range, by, interrupts.signal)
  if (options.dryRun === true) {
    const planned = await preview()
    if (out.json) out.document({ flow: range.flow, ...planned })
    else out.text(formatPreview(range.flow, planned))
    return 0
  }
  try {
    const { id } = await backfills.create({ ...range, atOnce: options.atOnce }, by, interrupts.signal)
    return await finish(invocation, sluice, id)
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'BACKFILL_EMPTY') throw error
    const { slices, skipped } = await preview()
    // A range without any slice is a mistake; one of which everything is up to date is done.
    if (slices.length > 0 || skipped.length === 0) throw error
    if (out.json) out.document({ backfill: null, failed: [], skipped })
    else out.text(`${range.flow}: nothing to redo: ${formatSlices(skipped.length)} left: ${reasonsOf(skipped)}`)
    return 0
  }
}

async function list(
  { open, out }: Invocation,
  named: string | undefined,
  { limit }: { readonly limit: number },
): Promise<ExitCode> {
  const sluice = await open()
  const flow = named === undefined ? {} : { flow: flowOf(sluice, named).name }
  const backfills = await sluice.engine.backfills.list({ ...flow, limit })
  if (out.json) out.document({ backfills })
  else out.text(backfills.length === 0 ? 'No backfill yet.' : formatBackfills(backfills))
  return 0
}

async function show(
  { open, out }: Invocation,
  text: string,
  { limit, state }: { readonly limit: number; readonly state?: readonly BackfillSliceState[] },
): Promise<ExitCode> {
  const sluice = await open()
  const backfill = await sluice.engine.backfills.get(text)
  const found = await sluice.engine.backfills.slices(backfill.id, {
    limit,
    ...(state === undefined ? {} : { states: state }),
  })
  const slices = await withErrors(sluice, found)
  if (out.json) {
    out.document({ backfill, slices })
    return 0
  }
  out.text(`${backfill.id}\n${backfill.flow}: ${formatBackfillEnd(backfill)}\n`)
  out.text(formatSliceTable(slices))
  const all = (state ?? sliceStates).reduce((sum, one) => sum + backfill.slices[one], 0)
  if (all > slices.length) out.say(`${formatSlices(all - slices.length)} more: --limit shows them`)
  return 0
}

async function pause(
  { open, out }: Invocation,
  text: string,
  options: { readonly reason?: string },
): Promise<ExitCode> {
  const { backfills } = (await open()).engine
  const { id } = await backfills.get(text)
  return tell(out, await backfills.pause(id, userInfo().username, options.reason ?? null))
}

async function cancel(
  { open, out }: Invocation,
  text: string,
  options: { readonly reason?: string },
): Promise<ExitCode> {
  const { backfills } = (await open()).engine
  const { id } = await backfills.get(text)
  return tell(out, await backfills.cancel(id, userInfo().username, options.reason ?? null))
}

function tell(out: Invocation['out'], backfill: BackfillRecord): ExitCode {
  if (out.json) out.document({ backfill })
  else out.text(`${backfill.flow}: ${formatBackfillEnd(backfill)}`)
  return 0
}

async function resume(invocation: Invocation, text: string): Promise<ExitCode> {
  const sluice = await invocation.open()
  const { id, state } = await sluice.engine.backfills.get(text)
  // One that is not paused may have lost the command that worked on it.
  if (state !== 'running') await sluice.engine.backfills.resume(id, userInfo().username)
  return await finish(invocation, sluice, id)
}

async function retry(invocation: Invocation, text: string): Promise<ExitCode> {
  const sluice = await invocation.open()
  const { id } = await sluice.engine.backfills.get(text)
  await sluice.engine.backfills.retry(id, userInfo().username)
  return await finish(invocation, sluice, id)
}

/** How many errors are printed; `show` has them all. */
const errorsShown = 3

async function finish(invocation: Invocation, sluice: Sluice, id: string): Promise<ExitCode> {
  const { global, out } = invocation
  out.say(`backfill ${id}`)
  const backfill = await seeThrough(invocation, sluice, id)
  const limit = out.json ? Math.max(1, backfill.slices.failed) : errorsShown
  const found = await sluice.engine.backfills.slices(id, { states: ['failed'], limit })
  const failed = await withErrors(sluice, found)
  if (out.json) out.document({ backfill, failed, skipped: [] })
  else {
    for (const { key, error } of failed) {
      if (error === null) continue
      const { code, summary, ...detail } = error
      out.warn(formatError(new SluiceError(code, `${key}: ${summary}`, detail), global.trace === true, out.style))
    }
    const more = backfill.slices.failed - failed.length
    if (more > 0) out.warn(`${formatSlices(more)} more failed: \`sluice backfill show ${id} --state failed\``)
    out.text(formatBackfills([backfill]))
  }
  return backfill.state === 'done' ? 0 : 1
}

type SliceShown = BackfillSlice & { readonly error: ErrorRecord | null }

/** Slices with what the runs of those that failed have to say. */
async function withErrors(sluice: Sluice, slices: readonly BackfillSlice[]): Promise<readonly SliceShown[]> {
  const shown: SliceShown[] = []
  for (const slice of slices) {
    const run = slice.state === 'failed' && slice.run !== null ? await sluice.engine.run(slice.run) : null
    shown.push({ ...slice, error: run?.error ?? null })
  }
  return shown
}

function formatPreview(flow: string, { slices, skipped }: BackfillPreview): string {
  return [
    `${flow}: ${formatSlices(slices.length)} to redo${slices.length > 1 ? ', in this order' : ''}`,
    ...slices.map(({ key, why }) => `  run ${key}: ${why}`),
    ...skipped.map(({ key, why }) => `  skip ${key}: ${why}`),
  ].join('\n')
}

function reasonsOf(skipped: BackfillPreview['skipped']): string {
  return [...new Set(skipped.map(({ why }) => why))].slice(0, 3).join('; ')
}

function formatBackfills(found: readonly BackfillRecord[]): string {
  const now = new Date()
  const ids = shorten(found.map(({ id }) => id))
  return formatTable(
    [
      { title: 'BACKFILL' },
      { title: 'FLOW' },
      { title: 'STATE' },
      ...['SLICES', 'DONE', 'FAILED', 'LEFT'].map((title) => ({ title, align: 'right' as const })),
      { title: 'ASKED' },
      { title: 'BY' },
      { title: 'WHY' },
    ],
    found.map(({ id, flow, state, slices, etaMs, requestedAt, requestedBy, stopped }, at) => [
      ids[at] ?? id,
      flow,
      state,
      formatCount(slices.total),
      formatCount(slices.succeeded + slices.skipped),
      formatCount(slices.failed),
      etaMs === null ? '-' : formatLeft(etaMs),
      formatRelative(requestedAt, now),
      requestedBy,
      stopped === null ? '' : `${stopped.by}${stopped.reason === null ? '' : `: ${stopped.reason}`}`,
    ]),
  )
}

function formatSliceTable(slices: readonly SliceShown[]): string {
  return formatTable(
    [{ title: 'SLICE' }, { title: 'STATE' }, { title: 'RUN' }, { title: 'WHY' }],
    slices.map(({ key, state, run, error }) => [
      key,
      state,
      run ?? '-',
      error === null ? '' : `${error.code}: ${error.summary}`,
    ]),
  )
}

const sliceStates = ['waiting', 'running', 'succeeded', 'failed', 'cancelled', 'skipped'] as const

function stateOf(text: string, before: readonly BackfillSliceState[] = []): readonly BackfillSliceState[] {
  const state = sliceStates.find((one) => one === text)
  if (state === undefined) throw new InvalidArgumentError(`It is one of ${sliceStates.join(', ')}.`)
  return [...before, state]
}

function atOnce(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1 || count > 16)
    throw new InvalidArgumentError('It is a whole number from 1 to 16.')
  return count
}
