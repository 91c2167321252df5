import { z } from 'zod'
import { type EnvReference, envReference } from '../lib/reference.ts'
import { role } from './role.ts'

const named = z.union([z.string().min(1), envReference])
const claimName = z.string().min(1).max(200)

/** JWTs of the application's own issuer, which are accepted beside Sluice's tokens. */
export const jwtDefinition = z.strictObject({
  issuer: named.describe('`iss` of its tokens, exactly'),
  audience: z
    .union([named, z.array(named).min(1)])
    .describe('`aud` that a token has to have, or one of several: that of tokens meant for this API'),
  jwks: named.describe('the address of its public keys, https://…/jwks.json'),
  name: claimName.default('sub').describe('the claim that names the caller in the audit'),
  role: z
    .strictObject({
      claim: claimName.describe('one value or a list of them'),
      map: z
        .record(z.string(), role)
        .optional()
        .describe('value → role; of several the highest counts; default: the values are roles'),
    })
    .optional()
    .describe('the claim that gives a role; left out: its tokens may only read endpoints'),
  claims: z
    .record(z.string().min(1).max(100), claimName)
    .default({})
    .describe('claim that endpoints bind rows to → claim of the token; dots lead into objects: `realm_access.sector`'),
})

export type JwtDefinition = z.output<typeof jwtDefinition>

/** The same with references resolved. */
export interface JwtOptions {
  readonly issuer: string
  readonly audience: readonly string[]
  readonly jwks: string
  readonly name: string
  readonly role: Exclude<JwtDefinition['role'], undefined> | null
  readonly claims: JwtDefinition['claims']
}

export function jwtOptions(
  definition: JwtDefinition,
  resolve: (reference: string | EnvReference) => string,
): JwtOptions {
  const { issuer, audience, jwks, name, role: given, claims } = definition
  return {
    issuer: resolve(issuer),
    audience: (Array.isArray(audience) ? audience : [audience]).map((one) => resolve(one)),
    jwks: resolve(jwks),
    name,
    role: given ?? null,
    claims,
  }
}
