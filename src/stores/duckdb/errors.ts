import { SluiceError, type Where } from '../../lib/error.ts'

/** DuckDB's message, as an error of ours: its own words (with the line it points at) are the why. */
export function duckdbError(thrown: unknown, where: Where): SluiceError {
  if (thrown instanceof SluiceError) return thrown.at(where)
  const why = (thrown instanceof Error ? thrown.message : String(thrown)).trim()
  const detail = { why, where, cause: thrown }
  const store = where.store ?? 'DuckDB'
  if (
    /No files found that match|Cannot open file ".*": No such file|does not exist.*read_only|database does not exist/isu.test(
      why,
    )
  ) {
    return new SluiceError('FILE_NOT_FOUND', `${store} does not find a file`, {
      ...detail,
      fix: 'check the path; relative paths count from the config',
    })
  }
  if (/Permission denied/iu.test(why)) {
    return new SluiceError('STORE_DENIED', `${store} may not open a file`, {
      ...detail,
      fix: 'give this user the right to read and write the file and its folder',
    })
  }
  if (/^Out of Memory Error/iu.test(why)) {
    return new SluiceError('STORE_QUERY', `${store} has too little memory for the query`, {
      ...detail,
      fix: 'raise `memory` of the store in the config',
    })
  }
  if (/could not set lock on file|conflicting lock/iu.test(why)) {
    return new SluiceError('STORE_BUSY', `${store} is held by another process`, {
      ...detail,
      fix: 'stop that process, or run the command through it',
    })
  }
  return new SluiceError('STORE_QUERY', `${store} refused the query`, {
    ...detail,
    fix: 'correct the statement where DuckDB points at',
  })
}
