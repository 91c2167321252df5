import { randomBytes } from 'node:crypto'
import { sql } from '../lib/sql.ts'
import type { State } from './state.ts'

/** What the project seals with; whoever asks first makes it. */
export async function readSeal(state: State): Promise<Buffer> {
  const read = () =>
    state.db.maybe<{ secret: Buffer }>(sql`select secret from ${state.t('seal')} where project = ${state.project}`)
  const known = await read()
  if (known !== undefined) return known.secret
  await state.db.run(sql`
    insert into ${state.t('seal')} (project, secret) values (${state.project}, ${randomBytes(32)}) on conflict (project) do nothing`)
  const made = await read()
  if (made === undefined) throw new Error('the seal is not there after it was made')
  return made.secret
}
