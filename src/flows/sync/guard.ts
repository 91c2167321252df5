import { SluiceError } from '../../lib/error.ts'

export interface GuardQuestion {
  /** Rows that would be published. */
  readonly rows: number
  /** Rows that readers see now; null when there is nothing yet. */
  readonly published: number | null
  readonly minRows: number
  readonly maxShrink: number
  readonly flow: string
  readonly table: string
}

/** What is suspicious about publishing this (promise 9), or null. Pure. */
export function suspicion({ rows, published, minRows, maxShrink, flow, table }: GuardQuestion): SluiceError | null {
  const force = `look at the source; if it is right, publish it with: sluice run ${flow} --force`
  const where = { flow, table }
  if (rows < minRows)
    return new SluiceError(
      'GUARD_EMPTY',
      rows === 0 ? 'the source has no rows' : `the source has only ${count(rows)}`,
      {
        why: `the guard asks for at least ${count(minRows)}; ${published === null ? 'nothing was' : `${count(published)} stay`} published`,
        fix: force,
        where,
      },
    )
  if (published === null || rows >= published * (1 - maxShrink)) return null
  const lost = Math.floor((1 - rows / published) * 1_000) / 10
  return new SluiceError(
    'GUARD_SHRUNK',
    `the source has ${count(rows)}, ${lost} % fewer than the ${count(published)} published`,
    {
      why: `the guard allows a loss of at most ${maxShrink * 100} %; the published rows stay`,
      fix: force,
      where,
    },
  )
}

const count = (rows: number): string => `${rows.toLocaleString('en-US')} ${rows === 1 ? 'row' : 'rows'}`
