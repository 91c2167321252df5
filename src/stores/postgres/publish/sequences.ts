/** Sequences behind columns that the source fills: they must not give out a number that a row has already. */
import { ident, join, sql, type Session } from '../../../lib/sql.ts'
import { stageOf } from './stage.ts'
import type { Target } from './target.ts'

/** Column → largest staged value. */
export type Largest = ReadonlyMap<string, string>

const filled = ({ facts, columns }: Target) =>
  (facts?.sequences ?? []).filter(({ column }) => columns.some(({ name }) => name === column))

export async function readLargest(tx: Session, target: Target): Promise<Largest> {
  const sequences = filled(target)
  if (sequences.length === 0) return new Map()
  const columns = sequences.map(({ column }) => sql`max(${ident(column)})::text`)
  const { largest } = await tx.one<{ largest: (string | null)[] }>(
    sql`select array[${join(columns, ', ')}] as "largest" from ${stageOf(target)}`,
  )
  return new Map(
    sequences.flatMap(({ column }, n) => {
      const value = largest[n] ?? null
      return value === null ? [] : [[column, value]]
    }),
  )
}

/** Moves each sequence on to the largest value, never back. Left alone where this role may not. */
export async function advanceSequences(tx: Session, target: Target, largest: Largest): Promise<void> {
  for (const { schema, name, column } of filled(target)) {
    const value = largest.get(column)
    if (value === undefined) continue
    const sequence = ident(schema, name)
    await tx.run(sql`
      select setval(${sequence.text}::regclass, ${value}::bigint) from ${sequence} s
      where has_sequence_privilege(${sequence.text}, 'update')
        and (${value}::bigint > s.last_value or ${value}::bigint = s.last_value and not s.is_called)`)
  }
}
