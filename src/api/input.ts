/** Parts of requests that several operations share. */
import { z } from 'zod'

/** `state=failed,late`, or the parameter several times: any of them. */
export function anyOf<const Value extends string>(values: readonly Value[], says: string) {
  return z
    .preprocess(
      (given) => (typeof given === 'string' ? given.split(',') : given),
      z.array(z.enum(values)).min(1).max(values.length),
    )
    .optional()
    .meta({
      type: 'array',
      items: { type: 'string', enum: [...values] },
      style: 'form',
      explode: false,
      description: `${says}; several by comma`,
    })
}

/** A body all of which may be left out: no body is an empty one. */
export function optionalBody<Body extends z.ZodType>(body: Body) {
  return z.preprocess((sent) => sent ?? {}, body)
}

/** The entries that were given: what was left out is left out of a filter, too. */
export function given<T extends object>(filter: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(filter).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> } // the same keys, fewer of them
}

/** Why somebody does it, for those who see it afterwards. */
export const reason = z.string().trim().min(1).max(1_000).nullable().default(null).describe('why, for others to see')
export const reasonBody = optionalBody(z.strictObject({ reason }).meta({ id: 'Reason' }))
