import { SluiceError } from '../../lib/error.ts'
import { formatDuration } from '../../lib/duration.ts'
import { previousDue } from '../../lib/schedule.ts'
import { bucketAt } from '../../lib/calendar.ts'
import type { Grain } from '../../lib/grain.ts'
import { changedBecause } from '../../transfer/source.ts'
import type { Flow, LookContext, Plan, PlannedSlice, WorkRequest } from '../flow.ts'
import { approximateWords, levelName, type RollupOptions } from './config.ts'
import { haveMoved, isCounted, rangeOf, throughOf, wholeBecause, type RollupFacts } from './facts.ts'
import { stretchAt, stretchesBetween, stretchOfKey, type Stretch, type StretchSpan } from './slices.ts'
import { bucketsOfTouched, touchedBy, type Buckets } from './work.ts'

/** What a run goes by. */
export type RollupWork =
  /** Everything, at once. */
  | { readonly tag: 'whole'; readonly why: string }
  /** What is marked, or lies within the lookback; whatever else is marked by the time it is done, too. */
  | { readonly tag: 'changed' }
  /** These stretches and no others, as far as they lie in the range; `after`: what is made of them is marked. */
  | { readonly tag: 'stretches'; readonly stretches: readonly Stretch[]; readonly from: number; readonly to: number }
  /** Every bucket that has a part in the range, and all that is made of them. */
  | { readonly tag: 'range'; readonly from: number; readonly to: number; readonly grains: readonly Grain[] }

export interface RollupDetail {
  readonly facts: RollupFacts
  readonly work: RollupWork
  readonly through: number
  readonly clear: boolean
}

export function refuseRollup(flow: Flow<RollupOptions>, request: WorkRequest): SluiceError | null {
  const { grains, calendar } = flow.options
  const odd = (why: string, fix: string): SluiceError =>
    new SluiceError('USAGE', `that cannot be asked of ${flow.name}`, { why, fix, where: { flow: flow.name } })
  const unknown = request.slices?.find((key) => stretchOfKey(key, calendar, grains) === null)
  if (unknown !== undefined)
    return odd(
      `"${unknown}" is none of its slices: they are called as ${stretchAt(0, grains[0] ?? 'day', calendar).slice.key}`,
      `\`sluice backfill ${flow.name} --from … --to … --dry-run\` lists them`,
    )
  if (request.grain !== null && !grains.some((one) => one === request.grain))
    return odd(`it does not count by ${request.grain}`, `it counts by ${grains.join(', ')}`)
  const { from, to } = rangeOf(flow, request)
  for (const [name, text, bound] of [
    ['from', request.from, from],
    ['to', request.to, to],
  ] as const)
    if (text !== null && bound === null)
      return odd(
        `"${text}" (${name}) is neither a day nor an instant`,
        'write 2025-01-31, 2025-01, 2025 or 2025-01-31T12:00:00Z',
      )
  if (from !== null && to !== null && from >= to) return odd('the range ends before it begins', 'swap --from and --to')
  if (request.step !== null) return odd('--step is for other kinds', `sluice run ${flow.name}`)
  return null
}

/** The newest slice of each grain of which a bucket was over when the flow was due last, the finest last. */
export function dueStretches({ options, timing }: Flow<RollupOptions>, by: Date): readonly Stretch[] {
  const { grains, calendar } = options
  const due = timing.schedule === null ? by : (previousDue(timing.schedule, by) ?? by)
  const through = throughOf(options, due)
  return grains.toReversed().map((grain) => stretchAt(through - 1, grain, calendar))
}

export function planRollup(
  flow: Flow<RollupOptions>,
  request: WorkRequest,
  facts: RollupFacts,
  { now, slices }: Pick<LookContext, 'now' | 'slices'>,
): Plan<RollupDetail> {
  const { options } = flow
  const through = throughOf(options, now)
  const detail = (work: RollupWork): RollupDetail => ({ facts, work, through, clear: request.clear })
  const bounds = rangeOf(flow, request)
  const [from, to] = [bounds.from ?? facts.extent?.from ?? through, Math.min(bounds.to ?? through, through)]
  const asked = (request.slices ?? []).flatMap((key) => stretchOfKey(key, options.calendar, options.grains) ?? [])
  const whole = wholeBecause(flow, request, facts)
  const due = dueStretches(flow, now)
  const wanted = options.grains.filter((grain) => request.grain === null || grain === request.grain)
  if (request.backfill && request.slices === null)
    return {
      ...backfilled(flow, request, facts, { from, to, through, wanted, slices }),
      detail: detail({ tag: 'changed' }),
    }
  if (whole !== null) {
    if (request.clear) throw changedFirst(flow)
    return {
      slices: joined(asked, due).map(({ slice }) => ({ action: 'run', slice, why: whole })),
      steps: steps(flow, facts, ['count all events']),
      detail: detail({ tag: 'whole', why: whole }),
    }
  }
  if (request.slices !== null) {
    const limits = { from: bounds.from ?? -Infinity, to: bounds.to ?? Infinity }
    return {
      slices: asked.map(({ slice }) => ({ action: 'run', slice, why: 'asked for' })),
      steps: steps(
        flow,
        facts,
        asked.map(({ slice }) => `count ${slice.key}`),
      ),
      detail: detail({ tag: 'stretches', stretches: asked, ...limits }),
    }
  }
  if (bounds.from !== null || bounds.to !== null) {
    const work: RollupWork = { tag: 'range', from, to, grains: wanted }
    const stretches = wanted.flatMap((grain) => stretchesBetween(from, to, grain, options.calendar))
    return {
      slices: stretches.map(({ slice }) => ({ action: 'run', slice, why: 'asked for' })),
      steps: steps(flow, facts, [widened(flow, wanted, from, to)]),
      detail: detail(work),
    }
  }
  const changed = stretchesOf(options, changedBuckets(options, facts, now, through))
  const before = facts.position === null ? -Infinity : Date.parse(facts.position.through)
  if (
    changed.length === 0 &&
    !haveMoved(facts) &&
    before >= through &&
    due.every(({ slice }) => slices.get(slice.key)?.state === 'done')
  ) {
    const why = `nothing has changed, and no ${options.grains[0] ?? ''} has ended, since ${facts.position?.through ?? ''}`
    return {
      slices: due.map(({ slice }) => ({ action: 'skip', slice, why })),
      steps: [],
      detail: detail({ tag: 'changed' }),
    }
  }
  return {
    slices: joined(changed, due).map(({ slice }) => ({
      action: 'run',
      slice,
      why: changed.some((one) => one.slice.key === slice.key) ? 'events of it have changed' : 'a bucket of it is over',
    })),
    steps: steps(flow, facts, ['count the buckets whose events have changed, then what is made of them']),
    detail: detail({ tag: 'changed' }),
  }
}

function changedFirst({ name }: Flow<RollupOptions>): SluiceError {
  return new SluiceError('USAGE', `a part of ${name} cannot be cleared now`, {
    why: 'its definition has changed since it was counted',
    fix: `sluice run ${name}, then clear`,
    where: { flow: name },
  })
}

/** What is out of date by the marks that are there, or lies within the lookback. */
export function changedBuckets(
  options: RollupOptions,
  facts: Pick<RollupFacts, 'marks' | 'position' | 'events'>,
  now: Date,
  through: number,
): Buckets {
  const finest = options.grains[0] ?? 'day'
  const last = Math.min(now.getTime(), facts.position === null ? Infinity : Date.parse(facts.position.through))
  const back = lookedBack(options, facts)
  // What has happened since the last run may be longer ago than it looks back.
  const again = back === null || last - back >= through ? [] : [{ from: last - back, to: through, grain: finest }]
  return bucketsOfTouched(options, [...touchedBy(options, facts.marks), ...again], through)
}

/** How much of what was counted is counted again, in milliseconds; null: what is marked, and no more. */
function lookedBack({ track }: RollupOptions, facts: Pick<RollupFacts, 'position' | 'events'>): number | null {
  // Of what a store has nobody marks even what is new.
  if (track.tag === 'source' || isCounted(facts)) return facts.events.mark === null ? null : 0
  return track.tag === 'lookback' ? track.ms : null
}

export function stretchesOf({ calendar }: RollupOptions, buckets: Buckets): readonly Stretch[] {
  const found: Stretch[] = []
  for (const [grain, list] of buckets) {
    let last: Stretch | null = null
    for (const { from } of list) {
      if (last !== null && from < last.to) continue
      last = stretchAt(from, grain, calendar)
      found.push(last)
    }
  }
  return found
}

function joined(a: readonly Stretch[], b: readonly Stretch[]): readonly Stretch[] {
  return [...new Map([...a, ...b].map((one) => [one.slice.key, one])).values()]
}

/** The exact slices of a range: those that are up to date are left, unless it is forced. */
function backfilled(
  flow: Flow<RollupOptions>,
  request: WorkRequest,
  facts: RollupFacts,
  range: {
    readonly from: number
    readonly to: number
    readonly through: number
    readonly wanted: readonly Grain[]
    readonly slices: LookContext['slices']
  },
): Pick<Plan, 'slices' | 'steps' | 'cut'> {
  const { options } = flow
  const from = Math.max(range.from, earliest(facts, range.slices, range.through))
  const { mark } = facts.events
  const moved = mark !== null && !isCounted(facts)
  const marked = new Set(
    stretchesOf(options, bucketsOfTouched(options, touchedBy(options, facts.marks), range.through)).map(
      ({ slice }) => slice.key,
    ),
  )
  const planned = range.wanted
    .flatMap((grain) => stretchesBetween(from, range.to, grain, options.calendar))
    .map(({ slice }): PlannedSlice => {
      const record = range.slices.get(slice.key)
      const current =
        !moved && record?.state === 'done' && record.definitionHash === flow.definitionHash && !marked.has(slice.key)
      if (current && !request.force && !request.clear) return { action: 'skip', slice, why: 'it is up to date' }
      const why = marked.has(slice.key)
        ? 'events of it have changed'
        : current
          ? 'forced'
          : moved && record?.state === 'done'
            ? changedBecause(mark)
            : (record?.state ?? 'missing')
      return { action: 'run', slice, why }
    })
  const cut = [range.from, range.to].some((bound) =>
    range.wanted.some(
      (grain) =>
        bound !== range.through &&
        stretchAt(bucketAt(bound, grain, options.calendar).from, grain, options.calendar).from !== bound,
    ),
  )
  return { slices: planned, steps: steps(flow, facts, [widened(flow, range.wanted, from, range.to)]), cut }
}

/** Before this there is nothing: no event, and no bucket of events that are gone. */
function earliest({ extent }: RollupFacts, slices: LookContext['slices'], through: number): number {
  let first = extent?.from ?? through
  for (const { span } of slices.values()) {
    const { from } = span as unknown as StretchSpan // what `stretchAt` made
    first = Math.min(first, Date.parse(from))
  }
  return first
}

/** What a range becomes where it does not begin and end with buckets. */
function widened({ options }: Flow<RollupOptions>, wanted: readonly Grain[], from: number, to: number): string {
  const parts = wanted.flatMap((grain) => {
    const found = [...(bucketsOfTouched(options, [{ from, to, grain }], to).get(grain) ?? [])]
    const [first, last] = [found[0], found.at(-1)]
    if (first === undefined || last === undefined) return []
    const wide = first.from < from || last.to > to ? ', widened to whole buckets' : ''
    return [`${grain}: ${new Date(first.from).toISOString()} to ${new Date(last.to).toISOString()}${wide}`]
  })
  return `count every bucket that has a part in the range (${parts.join('; ')})`
}

function steps({ options }: Flow<RollupOptions>, facts: RollupFacts, what: readonly string[]): readonly string[] {
  const { from, to, grains, levels, keep, measures } = options
  const { name, indexed } = facts.events
  const all = from.tag === 'table' && !indexed ? `, all of it: no index finds events by ${options.at}` : ''
  return [
    ...(facts.untracked === null
      ? []
      : [
          `make triggers on ${facts.untracked.map(({ table }) => `${table.schema}.${table.table}`).join(', ')} that mark what changes`,
        ]),
    ...(facts.leftovers.length === 0 ? [] : ['drop triggers that an earlier definition has left']),
    ...(facts.untracked === null ? facts.parts.come : []).map(
      ({ part }) => `make triggers on ${part.schema}.${part.table}, which has come, and count what is in it`,
    ),
    ...facts.parts.gone.map(
      ({ part }) =>
        `drop the triggers on ${part.schema}.${part.table}, which is no partition any more, and count without it`,
    ),
    ...(facts.standing ? [] : [`create ${to.schema}.${to.table}`]),
    from.tag === 'table' ? `read ${name}${all}` : `let the store count ${name}`,
    ...what,
    `by ${grains.join(', ')}; levels ${levels.map(levelName).join(', ')}`,
    ...[approximateWords(measures)].filter((one) => one !== null),
    ...Object.entries(keep).map(([grain, ms]) => `drop buckets by ${grain} that are older than ${formatDuration(ms)}`),
  ]
}
