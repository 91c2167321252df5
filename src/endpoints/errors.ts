import { asSluiceError, SluiceError } from '../lib/error.ts'
import { sqlState } from '../stores/postgres/errors.ts'
import type { Given } from './ask.ts'
import type { EndpointSpec } from './compile.ts'
import { missing } from './catalog.ts'

/**
 * What a statement says when the table is not what it was when the endpoint looked at it: gone, without a column, of other types. And
 * a connection that broke: another one may not.
 */
export function changed(error: unknown): boolean {
  if (error instanceof SluiceError && error.code === 'STORE_LOST') return true
  return ['42P01', '3F000', '42703', '42704', '42883', '42804', '42846', '0A000', '26000'].includes(
    sqlState(error) ?? '',
  )
}

/** What a caller is told: never a statement, never a value of a row. The server's own words stay in `cause`, for the log. */
export function translated(thrown: unknown, spec: EndpointSpec, given: Given): SluiceError {
  const error = asSluiceError(thrown)
  const state = sqlState(thrown)
  if (error.code !== 'STORE_QUERY' || state === undefined) return error
  if (state === '42P01' || state === '3F000') {
    if (spec.source.tag === 'table') return missing(spec.source.table)
    return new SluiceError('TARGET_MISSING', `a table that the endpoint "${spec.name}" reads does not exist`, {
      why: 'a flow that publishes it has not run yet, or somebody dropped it',
      fix: 'run the flow, or correct `query` of the endpoint',
      cause: error,
    })
  }
  const params = Object.keys(spec.definition.params).filter((name) => Object.hasOwn(given, name))
  if (state.startsWith('22') && params.length > 0) {
    return new SluiceError('FILTER_INVALID', `${params.join(', ')} cannot be reckoned with`, {
      why: `the query of "${spec.name}" refuses these values`,
      fix: `correct ${params.join(' or ')}`,
      cause: error,
    })
  }
  if (state === '57014') {
    return new SluiceError('READ_TIMEOUT', `the read of "${spec.name}" was given up`, {
      why: 'the server ended it: it took too long, or somebody cancelled it',
      fix: 'ask for less, or add an index for what is asked',
      cause: error,
    })
  }
  return new SluiceError('ENDPOINT_INVALID', `the endpoint "${spec.name}" cannot be served`, {
    why: `the database refuses its statement (SQLSTATE ${state})`,
    fix: "correct the endpoint in the config; Sluice's log has the server's own words",
    cause: error,
  })
}
