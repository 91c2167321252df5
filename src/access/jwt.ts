/** JWTs of the application's own issuer: who brings one is who the issuer says it is, and may what the config makes of its claims. */
import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from 'jose'
import { SluiceError } from '../lib/error.ts'
import type { Json } from '../lib/json.ts'
import type { Caller, Claims } from './access.ts'
import type { JwtOptions } from './config.ts'
import { refused } from './refusal.ts'
import { atLeast, role as roles, type Role } from './role.ts'
import { storable, storableText } from './secret.ts'

/** With a shared secret whoever checks could sign, and `none` is none. */
const algorithms = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ')
const toleranceS = 5
/** The issuer's keys are asked for so long, kept so long, and not asked for again so soon (an unknown key, a failure). */
const times = { timeoutDuration: 5_000, cacheMaxAge: 600_000, cooldownDuration: 30_000 }
const failureMs = 5_000
const longest = 8_192

/** Checks JWTs of an issuer, whose keys are asked for when the first one comes. `UNAUTHENTICATED`, `ISSUER_UNREACHABLE`. */
export function openIssuer(options: JwtOptions): (jwt: string) => Promise<Caller> {
  const keys = keysOf(options)
  return async (jwt) => {
    if (jwt.length > longest) throw refused(`a JWT of ${jwt.length} characters is too long`)
    try {
      const { payload } = await jwtVerify(jwt, keys, {
        issuer: options.issuer,
        audience: [...options.audience],
        algorithms,
        clockTolerance: toleranceS,
        requiredClaims: ['exp'],
      })
      return callerOf(payload, options)
    } catch (error) {
      if (error instanceof SluiceError) throw error
      throw refused(`the JWT is refused: ${error instanceof Error ? error.message : 'it cannot be read'}`)
    }
  }
}

/** The issuer's keys by what a token's header says. Only one request in a while waits for an issuer that is down, whatever it is for. */
function keysOf({ jwks, issuer }: JwtOptions): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(addressOf(jwks), times)
  let known: ReturnType<typeof createLocalJWKSet> | null = null
  let failedAt = -Infinity
  const ask = async (): Promise<NonNullable<typeof known>> => {
    if (performance.now() - failedAt < failureMs) throw unreachable(issuer, 'it failed a moment ago')
    try {
      await remote.reload()
      known = createLocalJWKSet(remote.jwks() ?? { keys: [] })
      return known
    } catch (error) {
      failedAt = performance.now()
      throw unreachable(issuer, whyOf(error), error)
    }
  }
  return async (header, token) => {
    const keys = remote.fresh && known !== null ? known : await ask()
    try {
      return await keys(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || remote.coolingDown) throw error
      return await (
        await ask()
      )(header, token)
    }
  }
}

/** Who a payload that was verified says it is, and what the config makes of it. Pure. */
export function callerOf(payload: JWTPayload, options: Pick<JwtOptions, 'name' | 'role' | 'claims'>): Caller {
  const subject = textOf(payload.sub) ?? textOf(claimOf(payload, options.name))
  if (subject === null) throw refused('the JWT names nobody: it has no sub')
  const claims = Object.entries(options.claims).flatMap(([ours, theirs]) => {
    const value = claimOf(payload, theirs)
    // What no row can be bound to is as if it were not there: endpoints fail closed.
    return isBindable(value) ? [[ours, storable(value)] as const] : []
  })
  return {
    by: 'jwt',
    id: subject,
    name: textOf(claimOf(payload, options.name)) ?? subject,
    role: options.role === null ? null : roleOf(claimOf(payload, options.role.claim), options.role.map),
    claims: Object.fromEntries(claims) satisfies Claims,
  }
}

/** The highest role that any of the claim's values gives. Pure. */
export function roleOf(value: unknown, map: Readonly<Record<string, Role>> | undefined): Role | null {
  const given = (Array.isArray(value) ? value : [value]).flatMap((one): readonly Role[] => {
    if (typeof one !== 'string') return []
    if (map !== undefined) return Object.hasOwn(map, one) && map[one] !== undefined ? [map[one]] : []
    const parsed = roles.safeParse(one)
    return parsed.success ? [parsed.data] : []
  })
  return given.reduce<Role | null>((highest, one) => (atLeast(highest, one) ? highest : one), null)
}

/** A claim by its name; where there is none of that very name, dots lead into objects. Pure. */
export function claimOf(payload: object, path: string): unknown {
  if (Object.hasOwn(payload, path)) return Object.entries(payload).find(([key]) => key === path)?.[1]
  let value: unknown = payload
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string, unknown>)[part] // the line before has looked
  }
  return value
}

function isBindable(value: unknown): value is Json {
  const scalar = (one: unknown): boolean =>
    typeof one === 'string' || typeof one === 'boolean' || (typeof one === 'number' && Number.isFinite(one))
  return scalar(value) || (Array.isArray(value) && value.every(scalar))
}

function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? storableText(value).slice(0, 200) : null
}

function addressOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url !== null && (url.protocol === 'https:' || url.protocol === 'http:')) return url
  throw new SluiceError('CONFIG_INVALID', '`api.jwt.jwks` is no address', {
    why: 'it has to be that of a JSON Web Key Set: https://…',
    fix: 'see `jwks_uri` in the issuer’s /.well-known/openid-configuration',
  })
}

function unreachable(issuer: string, why: string, cause?: unknown): SluiceError {
  return new SluiceError('ISSUER_UNREACHABLE', 'The keys that this token is checked with cannot be had', {
    why: `${issuer}: ${why}`,
    fix: 'try again; if it stays, see that `api.jwt.jwks` is right and can be reached from here',
    cause,
  })
}

/** `fetch` says so when there is no connection. */
function isFetch(error: unknown): boolean {
  return error instanceof TypeError && error.message === 'fetch failed'
}

function whyOf(error: unknown): string {
  if (error instanceof errors.JWKSTimeout) return `no answer within ${times.timeoutDuration} ms`
  if (isFetch(error)) return 'no connection'
  return 'what came is no JSON Web Key Set'
}
