import { SluiceError } from '../../../lib/error.ts'
import { sqlState } from '../errors.ts'
import { changed } from './unchanged.ts'
import { nameOf, type Target } from './target.ts'

/** An error inside the publishing transaction, as what it means for the publication. Pure. */
export function asPublishError(error: unknown, target: Target): unknown {
  if (!(error instanceof SluiceError)) return error
  const table = nameOf(target)
  const where = { ...error.where, table }
  switch (sqlState(error)) {
    case '55P03':
    case '40P01':
      return new SluiceError('PUBLISH_LOCKED', `${table} is in use`, {
        why: error.why,
        fix: 'wait: it is tried again by itself; a transaction that stays open on the table is seen in pg_stat_activity',
        where,
        cause: error.cause,
      })
    case '23503':
      if (!referredFrom(error, target)) return error
      return dependents(`rows that would be deleted from ${table} are referred to`, error, where, [
        'keep these rows in the source, use softDelete, or give the foreign key an `on delete` action',
      ])
    case '2BP01':
      return dependents(`something depends on ${table} that cannot follow a swap`, error, where, [
        "set publish: 'in-place'",
      ])
    case '55000':
      return dependents(`${table} does not take these changes`, error, where, [
        'give the table a primary key or `replica identity full`, as the publication requires',
      ])
    case '42P07':
      return target.facts === null ? changed(target, error.why) : error
    default:
      return error
  }
}

/** The violated foreign key belongs to another table: the server names the one that refers. */
function referredFrom(error: SluiceError, target: Target): boolean {
  const cause: unknown = error.cause
  if (typeof cause !== 'object' || cause === null) return false
  return (
    Reflect.get(cause, 'table') !== target.request.target.table ||
    Reflect.get(cause, 'schema') !== target.request.target.schema
  )
}

function dependents(
  summary: string,
  error: SluiceError,
  where: SluiceError['where'],
  [fix]: readonly [string],
): SluiceError {
  return new SluiceError('TARGET_DEPENDENTS', summary, { why: error.why, fix, where, cause: error.cause })
}
