/** What answers say of a measure: how it is counted, and that it is approximate, where it is. */
import { z } from 'zod'

export const measureFn = z.enum(['count', 'sum', 'min', 'max', 'avg', 'distinct', 'approximate'])

export const standardError = z
  .object({ error: z.number().meta({ description: 'its standard error, relative: 0.03 is 3 %' }) })
  .meta({ id: 'Approximate', description: 'up to 1,023 different values it is exact all the same' })

export const approximate = standardError.nullable().meta({ description: 'null: it is exact' })
