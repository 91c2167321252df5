/** What the resources share in requests and answers. A schema that has an `id` becomes a component of the OpenAPI document. */
import { z } from 'zod'
import type { Json } from '../lib/json.ts'

/** A moment in an answer: a `Date` in code, RFC 3339 with milliseconds in UTC on the wire. */
export const time = z.date().describe('RFC 3339, in UTC')

/** A moment in a request: RFC 3339 with any offset; arrives as a `Date`. */
export const timeParameter = z.iso
  .datetime({ offset: true, error: 'is not a time like 2026-01-31T05:00:00Z' })
  .transform((text) => new Date(text))
  .describe('RFC 3339, with its offset')

/** A moment in a request that has to be ahead. */
export const futureTime = timeParameter.refine((at) => at.getTime() > Date.now(), 'is in the past')

export const flowName = z.string().min(1).max(63).describe("the flow's name")
/** An id in an answer. */
export const id = z.string().meta({ format: 'uuid' })
export const runId = z
  .string()
  .min(4)
  .max(36)
  .regex(/^[0-9a-f-]+$/, 'is not the id of a run, nor the beginning of one')
  .describe("the run's id, or the beginning of it if that fits only one")

/** How much of a list to give, and from where. `limit` beyond its bound is refused, never cut silently. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(50).describe('how many at most'),
  cursor: z.string().min(1).max(500).optional().describe('`next` of the page before'),
})

/** One page of a list; `next` is null on the last one, `total` counts all that fit the filter. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item) as unknown as z.ZodType<readonly z.output<Item>[]>, // the same arrays, read-only
    next: z.string().nullable().describe('pass it as `cursor` for the next page; null: this was the last'),
    total: z
      .number()
      .int()
      .nullable()
      .describe('how many there are in all pages; null where counting would take too long'),
  })
}

/** Whatever JSON can carry. Not walked: what comes is parsed JSON, what goes is made of it. */
export const json = z.any() as z.ZodType<Json>

/** Claims in an answer: as they were given, JWTs' included. */
export const shownClaims = z.record(z.string(), json)

export const where = z
  .object({
    flow: z.string().optional(),
    store: z.string().optional(),
    table: z.string().optional(),
    column: z.string().optional(),
    key: z.string().optional(),
    file: z.string().optional(),
  })
  .meta({ id: 'Where', description: 'where it arose' })

/** An error as it is kept with a run. */
export const errorRecord = z
  .object({ code: z.string(), summary: z.string(), why: z.string(), fix: z.string(), where })
  .meta({ id: 'ErrorRecord', description: 'what went wrong, why, and what to do about it' })

/** Every answer that is not a success: RFC 9457, with our code, why and fix. */
export const problem = z
  .object({
    type: z.string().describe('`urn:sluice:error:` and the code'),
    title: z.string().describe('what went wrong'),
    status: z.number().int().min(400).max(599),
    detail: z.string().describe('why and fix in one text, for clients that know no more than RFC 9457'),
    code: z.string().describe('stable; docs/reference/errors.md says what it means'),
    why: z.string(),
    fix: z.string(),
    where,
    problems: z
      .array(
        z.object({
          path: z.string().describe('a JSON pointer (RFC 6901) into the body, or the name of a parameter or header'),
          fault: z.string(),
        }),
      )
      .optional()
      .describe('of refused input: what is wrong with it and where, at most 100'),
    requestId: z.string().describe('the same as in the log'),
  })
  .meta({ id: 'Problem', description: 'RFC 9457, with the code of Sluice, why and fix' })

export type Problem = z.output<typeof problem>
