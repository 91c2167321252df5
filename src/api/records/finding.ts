import { z } from 'zod'

export const finding = z
  .object({
    severity: z.enum(['problem', 'warning', 'fine']),
    about: z.string().meta({ description: 'a flow, a store, or the process' }),
    says: z.string(),
    fix: z.string().nullable(),
  })
  .meta({ id: 'Finding', description: 'what looking at the outside found' })
