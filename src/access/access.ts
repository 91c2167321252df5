/**
 * WHO asks, and what is recorded of it: tokens, people with their sessions, tokens of the application's own issuer, the audit, and
 * answers kept for repeated requests. Only types: `open.ts` makes one.
 *
 * Secrets (tokens, cookies, link codes) are 32 random bytes; they are handed out once, and only their SHA-256 is kept.
 */
import type { Json } from '../lib/json.ts'
import type { Page, Paged } from '../lib/page.ts'
import type { Sql } from '../lib/sql.ts'
import type { Role } from './role.ts'

export type Claims = Readonly<Record<string, Json>>

/** Who calls. `role` null: may only read endpoints. */
export interface Caller {
  readonly by: 'token' | 'session' | 'jwt'
  /** Of a token, of a person (or of the token that a session was opened with), or the subject of a JWT. */
  readonly id: string
  readonly name: string
  readonly role: Role | null
  readonly claims: Claims
}

/** Who changed something: a caller, or whoever has the shell (`system`, the system's user name; no id). */
export interface Actor {
  readonly by: Caller['by'] | 'system'
  readonly id: string | null
  readonly name: string
}

/** Who, and in which request (null: none, from the shell). Every change takes one and writes its audit row in its transaction. */
export interface Cause {
  readonly actor: Actor
  readonly requestId: string | null
}

export interface Access {
  /**
   * Who a bearer token belongs to: a token of Sluice (`slc_…`) or a JWT of the configured issuer. `UNAUTHENTICATED` whatever is wrong
   * with it, in the same words; its `cause` is an Error whose message says what was wrong, for the log. `ISSUER_UNREACHABLE`: the
   * issuer's keys cannot be had.
   */
  authenticate(bearer: string): Promise<Caller>
  /** Who a session's cookie belongs to. `UNAUTHENTICATED` as above. `csrf` stays the same as long as the session lives. */
  session(cookie: string): Promise<OpenSession>
  /** Opens a session for the bearer of a token of Sluice; it ends with the token. `UNAUTHENTICATED`. */
  signIn(bearer: string, about: About): Promise<SignedIn>
  /** Ends a session. Of an unknown or ended one nothing is said. */
  signOut(cookie: string, requestId: string | null): Promise<void>
  /**
   * The code of a link that signs in once, within 10 minutes. `principal`: for whom. Left out: for the admin of the actor's name,
   * else for the one who was admin first; where there is no admin, redeeming it makes one of the actor's name.
   * `PRINCIPAL_UNKNOWN`: there is none of that id, or it is disabled.
   */
  link(cause: Cause, principal?: string): Promise<Link>
  /** Opens a session by a link's code. `LINK_INVALID`: unknown, expired, used (by somebody at this very instant included). */
  redeem(code: string, about: About): Promise<SignedIn>
  readonly tokens: Tokens
  readonly principals: Principals
  readonly audit: Audit
  readonly idempotency: Idempotency
  /** The issuer whose JWTs are accepted; null: none. Raises what the config lacks (`VARIABLE_UNSET`); asks nobody. */
  issuer(): string | null
}

/** From where a person signs in, and in which request. For the audit. */
export interface About {
  readonly ip: string | null
  readonly userAgent: string | null
  readonly requestId: string | null
}

export interface OpenSession {
  readonly caller: Caller
  /** What a request that changes something has to send along. */
  readonly csrf: string
  /** The session ends then at the latest; earlier when it is not used. */
  readonly expiresAt: Date
}

export interface SignedIn extends OpenSession {
  /** The cookie's value. */
  readonly cookie: string
}

export interface Link {
  readonly code: string
  readonly expiresAt: Date
  /** Whom it signs in; null: the first admin, who does not exist yet. */
  readonly principal: Pick<PrincipalRecord, 'id' | 'name'> | null
}

export interface TokenRecord {
  readonly id: string
  readonly name: string
  /** The first characters of the secret, to tell tokens apart by. */
  readonly prefix: string
  /** null: may only read endpoints. */
  readonly role: Role | null
  readonly claims: Claims
  /** The person it acts for: never with more than that person's role, with that person's claims over its own. */
  readonly principal: Pick<PrincipalRecord, 'id' | 'name'> | null
  readonly state: 'active' | 'expired' | 'revoked'
  readonly createdAt: Date
  readonly createdBy: string
  readonly expiresAt: Date | null
  /** To the minute. */
  readonly lastUsedAt: Date | null
  readonly revokedAt: Date | null
  readonly revokedBy: string | null
}

export interface NewToken {
  readonly name: string
  readonly role: Role | null
  readonly claims?: Claims
  /** null or left out: it does not expire. */
  readonly expiresAt?: Date | null
  readonly principal?: string | null
}

export interface Tokens {
  /** Newest first. */
  list(page: Page): Promise<Paged<TokenRecord>>
  /** `secret` is never to be had again. `PRINCIPAL_UNKNOWN`. */
  create(token: NewToken, cause: Cause): Promise<{ readonly secret: string; readonly token: TokenRecord }>
  /** From now on it is refused, and the sessions opened with it end. Again is no error. `TOKEN_UNKNOWN`. */
  revoke(id: string, cause: Cause): Promise<TokenRecord>
}

/** A person. */
export interface PrincipalRecord {
  readonly id: string
  readonly name: string
  readonly role: Role
  readonly claims: Claims
  /** Cannot sign in; sessions have ended, tokens are refused. */
  readonly disabled: boolean
  readonly createdAt: Date
  readonly createdBy: string
  /** Of the newest session. */
  readonly lastSeenAt: Date | null
}

export interface Principals {
  /** Newest first. */
  list(page: Page): Promise<Paged<PrincipalRecord>>
  /** `PRINCIPAL_UNKNOWN`. */
  get(id: string): Promise<PrincipalRecord>
  /** `NAME_TAKEN`. */
  create(
    principal: { readonly name: string; readonly role: Role; readonly claims?: Claims },
    cause: Cause,
  ): Promise<PrincipalRecord>
  /** What is left out stays. `PRINCIPAL_UNKNOWN`, `NAME_TAKEN`, `LAST_ADMIN`. */
  change(
    id: string,
    changes: {
      readonly name?: string
      readonly role?: Role
      readonly claims?: Claims
      readonly disabled?: boolean
    },
    cause: Cause,
  ): Promise<PrincipalRecord>
  /** With sessions and links; tokens made for it are revoked. `PRINCIPAL_UNKNOWN`, `LAST_ADMIN`. */
  remove(id: string, cause: Cause): Promise<void>
}

export interface AuditEntry {
  /** `flow.pause`, `token.create`: what changed, dot, how. */
  readonly action: string
  /** What it was done to: a flow's name, an id. */
  readonly subject: string
  /** Never secrets, never rows of tables; what looks like a secret of ours is left out. */
  readonly before: Json
  readonly after: Json
}

export interface AuditRecord extends AuditEntry {
  readonly id: string
  readonly at: Date
  readonly actor: Actor
  readonly requestId: string | null
}

export interface AuditFilter {
  /** An actor's id or name. */
  readonly actor?: string
  /** One action (`flow.pause`), or all of what changed (`flow`). */
  readonly action?: string
  readonly subject?: string
  readonly since?: Date
  /** Exclusive. */
  readonly until?: Date
}

export interface Audit {
  /** In `tx`, so that change and record commit together; without it, in a statement of its own. */
  record(entry: AuditEntry, cause: Cause, tx?: Sql): Promise<void>
  /**
   * Writes down what is about to be done, for what is more than one transaction: until it is said how it ended, `after` is
   * `{ "unfinished": true }`, and that is what whoever dies on the way leaves behind.
   */
  begin(what: Pick<AuditEntry, 'action' | 'subject'>, cause: Cause): Promise<BegunAudit>
  /** Newest first. */
  list(filter: AuditFilter, page: Page): Promise<Paged<AuditRecord>>
}

/** One of the two has to be called. */
export interface BegunAudit {
  complete(entry: Omit<AuditEntry, 'action'>): Promise<void>
  /** Nothing was done: the row goes. */
  abandon(): Promise<void>
}

/** What was answered, as far as it is said again. `body` null: none. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Json
}

export interface Idempotency {
  /**
   * Begins what a caller asks for under a key, or says again what was answered to it (secrets in it are null then). Keys are a
   * caller's own and kept for 24 h. `IDEMPOTENCY_CONFLICT`: the key was given with another request. `IDEMPOTENCY_IN_FLIGHT`: that
   * request is still worked at; if it dies without a word, it may be asked again after 2 minutes.
   */
  begin(
    key: string,
    caller: Pick<Caller, 'by' | 'id'>,
    request: { readonly method: string; readonly path: string; readonly body: Json },
  ): Promise<
    { readonly tag: 'replay'; readonly answer: Answer } | { readonly tag: 'proceed'; readonly claim: IdempotencyClaim }
  >
}

/** The right to answer. One of the two has to be called. */
export interface IdempotencyClaim {
  /** Keeps the answer. */
  complete(answer: Answer): Promise<void>
  /** Nothing was done: the same request under the same key is done anew. */
  abandon(): Promise<void>
}
