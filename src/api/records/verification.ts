import { z } from 'zod'
import type { Verification } from '../../flows/flow.ts'
import { id, time } from '../schemas.ts'

const difference = z
  .object({
    key: z
      .record(z.string(), z.string().nullable())
      .nullable()
      .meta({ description: 'the key as text by column; null where rows are compared without one' }),
    count: z.number(),
    difference: z.enum(['missing', 'extra', 'changed']),
    columns: z.array(z.string()),
  })
  .meta({ id: 'Difference' })

const shape = {
  slice: z.string(),
  verdict: z.enum(['identical', 'differs', 'failed']),
  compared: z.number(),
  missing: z.number().meta({ description: 'rows of the source that the target does not have' }),
  extra: z.number().meta({ description: 'rows of the target that the source does not have' }),
  changed: z.number(),
  asOf: time.nullable(),
  sourceAsOf: time.nullable(),
  sourceChanged: z.boolean().meta({ description: 'the source moved since the slice was published' }),
  examples: z.array(difference),
}

/** What comparing one slice found. */
export const verification = z.object(shape).meta({ id: 'Verification' })

/** The same as a row of history. */
export const verificationRecord = z
  .object({ ...shape, flow: z.string(), run: id, at: time })
  .meta({ id: 'VerificationRecord', description: 'what comparing a slice found, and when' })

export function toVerification<V extends Verification>(
  record: V,
): Omit<V, 'examples'> & { examples: z.output<typeof difference>[] } {
  return { ...record, examples: record.examples.map((example) => ({ ...example, columns: [...example.columns] })) }
}
