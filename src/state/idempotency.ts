import { sql, type Row, type Sql } from '../lib/sql.ts'
import type { State } from './state.ts'

/** For how long an answer is said again. */
export const answerMs = 24 * 3_600_000

export interface NewIdempotency {
  readonly caller: string
  readonly key: string
  /** SHA-256 of the request. */
  readonly fingerprint: Buffer
  readonly leaseToken: string
  readonly leaseMs: number
}

/**
 * Takes the key: when nobody has it, when it is forgotten, or when who had it for the same request gave no answer within its lease.
 * False: another has it.
 */
export async function claimIdempotency(db: Sql, state: State, claim: NewIdempotency): Promise<boolean> {
  const taken = await db.run(sql`
    insert into ${state.t('idempotency')} as i (project, caller, key, fingerprint, lease_token, lease_until, created_at)
    values (${state.project}, ${claim.caller}, ${claim.key}, ${claim.fingerprint}, ${claim.leaseToken},
      ${state.now} + ${claim.leaseMs} * interval '1 millisecond', ${state.now})
    on conflict (project, caller, key) do update
      set fingerprint = excluded.fingerprint, lease_token = excluded.lease_token, lease_until = excluded.lease_until,
        created_at = excluded.created_at, answer = null
      where i.created_at <= excluded.created_at - ${answerMs} * interval '1 millisecond'
        or (i.answer is null and i.fingerprint = excluded.fingerprint and i.lease_until <= excluded.created_at)`)
  return taken > 0
}

export interface IdempotencyRow extends Row {
  readonly fingerprint: Buffer
  /** null: still worked at. */
  readonly answer: unknown
}

export async function readIdempotency(
  db: Sql,
  state: State,
  caller: string,
  key: string,
): Promise<IdempotencyRow | undefined> {
  return await db.maybe<IdempotencyRow>(sql`
    select fingerprint, answer from ${state.t('idempotency')}
    where project = ${state.project} and caller = ${caller} and key = ${key}`)
}

/** False: another has taken the key over. */
export async function answerIdempotency(
  db: Sql,
  state: State,
  claim: Pick<NewIdempotency, 'caller' | 'key' | 'leaseToken'>,
  answer: object,
): Promise<boolean> {
  const written = await db.run(sql`
    update ${state.t('idempotency')} set answer = ${JSON.stringify(answer)}::jsonb
    where project = ${state.project} and caller = ${claim.caller} and key = ${claim.key} and lease_token = ${claim.leaseToken}`)
  return written > 0
}

export async function releaseIdempotency(
  db: Sql,
  state: State,
  claim: Pick<NewIdempotency, 'caller' | 'key' | 'leaseToken'>,
): Promise<void> {
  await db.run(sql`
    delete from ${state.t('idempotency')}
    where project = ${state.project} and caller = ${claim.caller} and key = ${claim.key}
      and lease_token = ${claim.leaseToken} and answer is null`)
}
