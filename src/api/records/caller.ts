import { z } from 'zod'
import { role } from '../../access/role.ts'
import { shownClaims } from '../schemas.ts'

export const callerShape = z
  .object({
    by: z.enum(['token', 'session', 'jwt']),
    id: z.string(),
    name: z.string(),
    role: role.nullable().describe('null: may only read endpoints'),
    claims: shownClaims,
  })
  .meta({ id: 'Caller', description: 'who asks' })

export const actorShape = z
  .object({
    by: z.enum(['token', 'session', 'jwt', 'system']).describe('`system`: somebody with the shell of the machine'),
    id: z.string().nullable(),
    name: z.string(),
  })
  .meta({ id: 'Actor', description: 'who did it' })
