import { SluiceError } from '../../../lib/error.ts'
import { sql, type Session } from '../../../lib/sql.ts'
import { readFacts } from '../schema.ts'
import type { TableFacts } from '../table.ts'
import { selectDifferences } from './differences.ts'
import type { Applied } from './in-place.ts'
import { markedAs } from './soft-delete.ts'
import type { Carrying } from './statements.ts'
import { nameOf } from './target.ts'

/**
 * A trigger may leave a row out, a rule do something else instead, a foreign key of the table to itself take more rows along,
 * and none of them is an error to the server. Where one did, both sides are compared once more: rows that were only sent
 * elsewhere, as to a table that inherits from this one, are there.
 *
 * @throws SluiceError `TARGET_UNSUITABLE` when the target is not what was to be published.
 */
export async function refuseKeptOut(tx: Session, carrying: Carrying, applied: Applied): Promise<void> {
  const { target, facts, differences } = carrying
  if (!takesAlong(facts) && facts.rules.length === 0) {
    const { wanted } = await tx.one<{ wanted: string }>(sql`select count(*) as "wanted" from ${differences} d`)
    if (applied.inserted + applied.changed + applied.deleted === Number(wanted)) return
  }
  const now = (await readFacts(tx, target.request.target)) ?? facts
  const altered = { ...target, changes: null }
  const left = await tx.one<{ missing: string; staying: string }>(sql`
    select count(*) filter (where d.t is null) as "missing", count(*) filter (where d.s is null) as "staying"
    from (${selectDifferences(altered, now, markedAs(altered, now))}) d`)
  const [missing, staying] = [Number(left.missing), Number(left.staying)]
  if (missing === 0 && staying === 0) return
  const by = [
    ...facts.triggers.filter(({ enabled }) => enabled !== 'disabled').map(({ name }) => `trigger ${name}`),
    ...facts.rules.map(({ name }) => `rule ${name}`),
    ...facts.constraints.filter(({ type }) => type === 'foreign key').map(({ name }) => `foreign key ${name}`),
  ]
  const counts = [
    ...(missing === 0 ? [] : [`${rows(missing)} did not arrive`]),
    ...(staying === 0 ? [] : [`${rows(staying)} did not leave`]),
  ]
  throw new SluiceError('TARGET_UNSUITABLE', `${nameOf(target)} does not take what is published`, {
    why: `${counts.join(' and ')}, without an error of the server; there ${by.length === 1 ? 'is' : 'are'} ${by.join(', ')}`,
    fix: 'let it pass the rows that this role writes (a trigger can ask for current_user), or publish into a table of its own',
    where: { table: nameOf(target) },
  })
}

/** Rows of the table may be deleted along with others of it. */
function takesAlong({ constraints, bound }: TableFacts): boolean {
  return constraints.some(
    ({ type, name, definition }) =>
      type === 'foreign key' &&
      definition.includes(' ON ') &&
      bound.some(({ tag, why }) => tag === 'foreign key in' && why.startsWith(`constraint ${name} on `)),
  )
}

const rows = (count: number): string => `${count.toLocaleString('en-US')} ${count === 1 ? 'row' : 'rows'}`
