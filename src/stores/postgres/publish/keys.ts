/** Keys of the staged rows: nulls and repetitions are counted and named before anything is published. */
import { SluiceError } from '../../../lib/error.ts'
import { ident, idents, join, raw, sql, type Query, type Session } from '../../../lib/sql.ts'
import { sqlState } from '../errors.ts'
import { isUnique } from './differences.ts'
import { image } from './image.ts'
import { stageOf } from './stage.ts'
import { nameOf, type Target } from './target.ts'

/** How many keys an error lists. */
const listed = 10

/** Keeps of each key the row with the largest `latestBy`, nulls last; ties go to the row whose bytes sort last. The rows dropped. */
export function keepLatest(tx: Session, target: Target, latestBy: string): Promise<number> {
  const { key } = target.request
  const stage = stageOf(target)
  return tx.run(sql`
    delete from ${stage} s using (
      select r.ctid as place, row_number() over (
        partition by ${columnsOf('r', key)}
        order by ${ident('r', latestBy)} desc nulls last, ${image('r', target.columns)} using operator(pg_catalog.*>)) as n
      from ${stage} r
      where ${allPresent('r', key)}) d
    where s.ctid = d.place and d.n > 1`)
}

/**
 * Staged rows that are to be compared with the target's: analyzed, and their keys judged, unless the comparison judges them.
 *
 * A unique index tells soonest whether a key repeats, and what it builds with is bounded. Not every key can have one: where the
 * target has none either, keys are grouped.
 *
 * @throws SluiceError `KEY_NULL`, `KEY_DUPLICATE`.
 */
export async function readyToCompare(
  transaction: (work: (tx: Session) => Promise<void>) => Promise<void>,
  target: Target,
  rows: number,
): Promise<void> {
  const { facts, request } = target
  const { key } = request
  const indexed = key.length > 0 && facts !== null && isUnique(facts, key)
  try {
    await transaction(async (tx) => {
      // First: without it the planner takes the keys for a few, and hashes them twice.
      await tx.run(sql`analyze ${stageOf(target)}${key.length === 0 ? raw('') : sql` (${idents(key)})`}`)
      if (isJudgedByComparing(target)) return
      if (indexed) await tx.run(sql`create unique index on ${stageOf(target)} (${idents(key)})`)
      else if (key.length > 0) await refuseBadKeys(tx, target, rows)
    })
  } catch (error) {
    if (!indexed || sqlState(error) !== '23505') throw error
    await transaction((tx) => refuseDuplicates(tx, target, key))
    throw error
  }
}

/**
 * Whether comparing all rows of both sides tells a repeated key by itself: the target has each key once at most, and refuses at
 * once what would repeat one.
 */
function isJudgedByComparing({ facts, request: { mode, key, softDelete } }: Target): boolean {
  return (
    mode === 'replace' &&
    softDelete === undefined &&
    key.length > 0 &&
    facts !== null &&
    facts.rules.length === 0 &&
    isUnique({ ...facts, indexes: facts.indexes.filter(({ immediate }) => immediate) }, key)
  )
}

/**
 * Judges the keys of staged rows that have found their rows of the target: as many as the rows of the target that were found,
 * unless a key repeats. The others repeat none if the target takes them.
 *
 * @throws SluiceError `KEY_DUPLICATE`.
 */
export async function judgeMatched(tx: Session, target: Target, differences: Query, staged: number): Promise<void> {
  if (!isJudgedByComparing(target)) return
  const { schema, table } = target.request.target
  const { arriving, leaving, standing } = await tx.one<{ arriving: string; leaving: string; standing: string }>(sql`
    select count(*) filter (where d.t is null) as "arriving", count(*) filter (where d.s is null) as "leaving",
      (select count(*) from ${ident(schema, table)}) as "standing"
    from ${differences} d`)
  const matched = staged - Number(arriving)
  if (matched !== Number(standing) - Number(leaving)) await refuseDuplicates(tx, target, target.request.key)
}

/**
 * One pass over the staged rows tells whether every row has a key and none has another's; only if not, they are named.
 *
 * @throws SluiceError `KEY_NULL`, `KEY_DUPLICATE`.
 */
export async function refuseBadKeys(tx: Session, target: Target, rows: number): Promise<void> {
  const { key } = target.request
  const { present, repeated } = await tx.one<{ present: string; repeated: string }>(sql`
    select coalesce(sum(g.n), 0) as "present", count(*) filter (where g.n > 1) as "repeated"
    from (
      select count(*) as n from ${stageOf(target)} s
      where ${allPresent('s', key)} group by ${columnsOf('s', key)}) g`)
  if (Number(present) < rows) await refuseNulls(tx, target)
  if (Number(repeated) > 0) await refuseDuplicates(tx, target, key)
}

/** @throws SluiceError `KEY_NULL`, listing up to ten keys with how often each occurs. */
export async function refuseNulls(tx: Session, target: Target): Promise<void> {
  const { key } = target.request
  const missing = sql`not (${allPresent('s', key)})`
  const { count } = await tx.one<{ count: string }>(sql`
    select count(*) as "count" from ${stageOf(target)} s where ${missing}`)
  if (Number(count) === 0) return
  const rows = await groups(tx, target, key, sql`where ${missing}`, raw(''))
  throw new SluiceError('KEY_NULL', `${Number(count).toLocaleString('en-US')} rows have a null in their key`, {
    why: `(${key.join(', ')}): ${rows.join('; ')}${rows.length === listed ? '; …' : ''}`,
    fix: 'leave such rows out of the source query, or choose a key that every row has',
    where: { table: nameOf(target), key: rows[0] ?? '' },
  })
}

/** @throws SluiceError `KEY_DUPLICATE`, listing up to ten values of `columns` that occur more than once, and how often. */
export async function refuseDuplicates(tx: Session, target: Target, columns: readonly string[]): Promise<void> {
  const grouped = columnsOf('s', columns)
  const present = allPresent('s', columns)
  const { count } = await tx.one<{ count: string }>(sql`
    select count(*) as "count" from (
      select from ${stageOf(target)} s where ${present} group by ${grouped} having count(*) > 1) d`)
  if (Number(count) === 0) return
  const rows = await groups(tx, target, columns, sql`where ${present}`, raw('having count(*) > 1'))
  const isKey = columns.join('\0') === target.request.key.join('\0')
  throw new SluiceError(
    'KEY_DUPLICATE',
    `${Number(count).toLocaleString('en-US')} ${isKey ? 'keys' : `values of (${columns.join(', ')})`} occur more than once in the source`,
    {
      why: `(${columns.join(', ')}): ${rows.join('; ')}${rows.length === listed ? '; …' : ''}`,
      fix: isKey
        ? 'make the source query give one row a key, widen `key`, or name the column that decides in `latestBy`'
        : `the target has a unique index on (${columns.join(', ')}): make the source query give each once`,
      where: { table: nameOf(target), key: rows[0] ?? '' },
    },
  )
}

/** `id=7, lang=de (3 times)`, most frequent first. */
async function groups(
  tx: Session,
  target: Target,
  columns: readonly string[],
  where: Query,
  having: Query,
): Promise<string[]> {
  const grouped = columnsOf('s', columns)
  const rows = await tx.all<{ values: (string | null)[]; count: string }>(sql`
    select array[${join(
      columns.map((name) => sql`${ident('s', name)}::text`),
      ', ',
    )}]::text[] as "values", count(*) as "count"
    from ${stageOf(target)} s ${where}
    group by ${grouped} ${having}
    order by count(*) desc, ${grouped}
    limit ${raw(String(listed))}`)
  return rows.map(({ values, count }) => {
    const shown = values.map((value, at) => `${columns[at] ?? ''}=${value === null ? 'null' : value.slice(0, 100)}`)
    return `${shown.join(', ')} (${count === '1' ? 'once' : `${count} times`})`
  })
}

function columnsOf(alias: string, names: readonly string[]): Query {
  return join(
    names.map((name) => ident(alias, name)),
    ', ',
  )
}

function allPresent(alias: string, names: readonly string[]): Query {
  return join(
    names.map((name) => sql`${ident(alias, name)} is not null`),
    ' and ',
  )
}
