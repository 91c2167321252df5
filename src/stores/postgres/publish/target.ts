/** What preparing found out, and what loading, finishing and applying go by. Plain data. */
import { SluiceError } from '../../../lib/error.ts'
import type { PgType } from '../../../transfer/pgtype.ts'
import type { TableFacts } from '../table.ts'
import type { Alterations } from './alterations.ts'
import type { PublicationRequest, Publisher } from './request.ts'

export interface TargetColumn {
  readonly name: string
  readonly type: PgType
  /** As SQL: `numeric(9,6)`. */
  readonly typeName: string
  /** Quoted; null: the type's own. */
  readonly collation: string | null
}

export interface Target {
  readonly request: PublicationRequest
  readonly publisher: Publisher
  readonly facts: TableFacts | null
  readonly changes: Alterations | null
  /** What the source delivers and the target can be written in, in the order of the COPY stream. */
  readonly columns: readonly TargetColumn[]
  /** The server's: `180004`. */
  readonly version: number
}

/** Column → name of the sequence behind the staged table's identity column, in the staging schema. */
export type Identities = ReadonlyMap<string, string>

export const nameOf = ({ request }: Target): string => `${request.target.schema}.${request.target.table}`

/** An error of the server about a staging table, told as one about the target: nobody knows the staging table. */
export function aboutTarget(error: unknown, target: Target): unknown {
  if (!(error instanceof SluiceError)) return error
  return new SluiceError(error.code, error.summary, {
    why: error.why,
    fix: error.fix,
    where: { ...error.where, table: nameOf(target) },
    cause: error.cause,
  })
}
