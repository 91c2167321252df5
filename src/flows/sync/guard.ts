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

export interface Glance {
  /** Rows that would be published. */
  readonly rows: number
  /** Rows that the last publication left; null when there is no record of one. */
  readonly recorded: number | null
  /** Rows that the table has by its size and statistics. */
  readonly estimated: number
  readonly minRows: number
  readonly maxShrink: number
}

/**
 * Whether nothing is suspicious by what is known without counting: what was published last and what the table seems to hold
 * now agree, and the new rows are far enough from the limit that neither can be wrong by as much as that takes. Pure.
 */
export function isPlainlyFine({ rows, recorded, estimated, minRows, maxShrink }: Glance): boolean {
  if (recorded === null || rows < minRows) return false
  const margin = maxShrink / 2
  const agreed = Math.abs(estimated - recorded) <= recorded * margin
  return agreed && rows >= Math.max(recorded, estimated) * (1 - margin)
}

const count = (rows: number): string => `${rows.toLocaleString('en-US')} ${rows === 1 ? 'row' : 'rows'}`
