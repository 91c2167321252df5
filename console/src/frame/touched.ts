/** Which questions an event makes worth asking again. Pure. */
export interface Change {
  readonly tag: 'run' | 'flow' | 'slice' | 'occurrence' | 'worker' | 'backfill' | 'notification'
  readonly flow?: string | null
  readonly run?: string | null
  readonly backfill?: string | null
}

/** The parts of the path: `/api/flows/a/slices` → `flows`, `a`, `slices`. */
function parts(path: string): readonly [string, string | undefined, string | undefined] {
  const [, , first = '', second, third] = path.split('?')[0]?.split('/') ?? []
  return [first, second === undefined || second === '' ? undefined : decodeURIComponent(second), third]
}

/** What the API answers by a run of the flow: asked again because of a run, it would be asked again for ever. */
const madeByRuns: readonly (string | undefined)[] = ['schema']

/** Lists that count or name flows and runs. */
const about: Readonly<Record<Change['tag'], readonly string[]>> = {
  run: [
    'flows',
    'runs',
    'occurrences',
    'schedules',
    'home',
    'data-sync',
    'backfills',
    'workers',
    'verifications',
    'series',
  ],
  flow: ['flows', 'series', 'schedules', 'occurrences', 'home', 'lineage', 'data-sync'],
  slice: ['flows', 'home', 'data', 'data-sync', 'series'],
  occurrence: ['schedules', 'occurrences', 'flows', 'home'],
  worker: ['workers', 'home', 'flows'],
  backfill: ['backfills', 'home', 'flows'],
  notification: ['notifications'],
}

/** Whether what is kept of this path may have changed; a page of another flow or another run stays as it is. */
export function touchedBy(change: Change, path: string): boolean {
  const [first, second, third] = parts(path)
  if (!about[change.tag].includes(first)) return false
  if (first === 'flows' && change.tag !== 'flow' && madeByRuns.includes(third)) return false
  if (second === undefined) return true
  if ((first === 'flows' || first === 'series') && change.flow !== undefined && change.flow !== null)
    return second === change.flow
  if (first === 'runs' && change.run !== undefined && change.run !== null) return second === change.run
  return true
}
