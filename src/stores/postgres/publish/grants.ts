import { ident, idents, raw, sql, type Query } from '../../../lib/sql.ts'
import type { GrantFacts } from '../table.ts'

/** `table api.x`, `sequence api.x_id_seq`. */
export interface GrantOn {
  readonly object: Query
  readonly owner: string
  /** Only these columns of it. */
  readonly columns?: readonly string[]
}

/**
 * Gives a new object exactly these rights, in their order: first nobody has any, the owner included. Rights that were granted
 * by another role are granted by that role again. null: as if nobody had ever granted or revoked anything. Pure.
 */
export function regrant(
  on: GrantOn,
  grants: readonly GrantFacts[] | null,
  present: readonly GrantFacts[] | null,
): Query[] {
  if (JSON.stringify(grants) === JSON.stringify(present)) return []
  const columns = on.columns === undefined ? raw('') : sql` (${idents(on.columns)})`
  const holders = [...new Set([on.owner, ...(present ?? []).map(({ grantee }) => grantee)])]
  const revoked =
    on.columns === undefined ? holders.map((holder) => sql`revoke all on ${on.object} from ${role(holder)}`) : []
  if (grants === null) return [...revoked, sql`grant all on ${on.object} to ${role(on.owner)}`]
  return [
    ...revoked,
    ...grants.flatMap(({ grantor, grantee, privilege, grantable }) => {
      const grant = sql`grant ${raw(privilege)}${columns} on ${on.object} to ${role(grantee)}${raw(grantable ? ' with grant option' : '')}`
      if (grantor === on.owner) return [grant]
      return [sql`set local role ${ident(grantor)}`, grant, sql`reset role`]
    }),
  ]
}

const role = (name: string | null): Query => (name === null ? raw('public') : ident(name))
