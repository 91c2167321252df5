import type { Attempt, PublicationRequest } from '../../stores/postgres/publish/request.ts'
import type { Flow } from '../flow.ts'
import { publishedColumns, type ColumnPlan } from './columns.ts'
import type { SyncOptions } from './config.ts'

/** What a flow asks of the publisher. Pure. */
export function publicationOf(
  { options }: Flow<SyncOptions>,
  columns: ColumnPlan,
  attempt: Attempt,
  partial = false,
): PublicationRequest {
  const { to, key, mode, publish, latestBy, softDelete, beforePublish, afterPublish } = options
  return {
    ...attempt,
    target: { schema: to.schema, table: to.table },
    columns: publishedColumns(options, columns),
    key,
    mode,
    partial,
    ...(publish === null ? {} : { publish }),
    ...(latestBy === null ? {} : { latestBy }),
    ...(softDelete === null ? {} : { softDelete }),
    ...(beforePublish === null ? {} : { before: beforePublish }),
    ...(afterPublish === null ? {} : { after: afterPublish }),
  }
}
