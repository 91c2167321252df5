import { sql, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

/** How far a flow has come, in words of its kind; undefined: it has not begun. */
export async function readPosition(db: Sql, state: State, flow: string): Promise<unknown> {
  const row = await db.maybe<{ value: unknown }>(
    sql`select value from ${state.t('position')} where project = ${state.project} and flow = ${flow}`,
  )
  return row?.value
}

export async function writePosition(tx: Sql, state: State, flow: string, value: object): Promise<void> {
  await tx.run(sql`
    insert into ${state.t('position')} (project, flow, value) values (${state.project}, ${flow}, ${JSON.stringify(value)}::jsonb)
    on conflict (project, flow) do update set value = excluded.value, at = ${state.now}`)
}
