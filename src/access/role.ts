import { z } from 'zod'

/** What a principal may do, each more than the one before: look; run, pause, repair; administer people, tokens and flows. */
export const role = z.enum(['viewer', 'operator', 'admin'])
export type Role = z.infer<typeof role>

/** Text that PostgreSQL can hold, and a page can show on one line. */
const line = z
  .string()
  .refine((text) => text.isWellFormed() && !/\p{Cc}/u.test(text), 'has characters that cannot be shown')

/** The name of a person or a token. */
export const name = line.trim().min(1).max(100)

const scalar = z.union([line.max(1_000), z.number(), z.boolean()])

/** What is known of a principal beside its role: `{ sector: 'East' }`, or a list of values. Endpoints bind their rows to it. */
export const claims = z
  .record(line.min(1).max(100), z.union([scalar, z.array(scalar).max(1_000)]))
  .refine((given) => Object.keys(given).length <= 100, 'are more than 100')

/** Whether `has` may do what takes `needed`. No role may nothing that takes one. Pure. */
export function atLeast(has: Role | null, needed: Role): boolean {
  return has !== null && role.options.indexOf(has) >= role.options.indexOf(needed)
}

/** The lesser of two; none is the least. Pure. */
export function lesser(one: Role | null, other: Role | null): Role | null {
  if (one === null || other === null) return null
  return atLeast(one, other) ? other : one
}
