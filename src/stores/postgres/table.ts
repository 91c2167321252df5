/**
 * What the catalogs say about a table: read by `schema.ts`, judged by `publish/choose.ts`, re-made by `publish/swap.ts`.
 * Every expression and definition is as the server prints it with an empty `search_path`, so all names are qualified.
 */
import type { PgType } from '../../transfer/pgtype.ts'

export interface TableName {
  readonly schema: string
  readonly table: string
}

export interface TableFacts extends TableName {
  readonly oid: string
  readonly kind: 'table' | 'partitioned' | 'view' | 'materialized view' | 'foreign table'
  readonly persistence: 'permanent' | 'unlogged' | 'temporary'
  readonly owner: string
  /** Whether the connected role may alter it (owns it, or is a member of the role that does). */
  readonly alterable: boolean
  /** Whether row security would filter what the connected role reads or writes. */
  readonly rowSecurityActive: boolean
  /** Roles other than the owner that granted rights on it and that the connected role cannot act as. */
  readonly foreignGrantors: readonly string[]
  /** The planner's guess; null when the table was never analyzed. `countRows` counts. */
  readonly rowEstimate: number | null
  readonly columns: readonly ColumnFacts[]
  /** The columns of the primary key, in its order; null without one. */
  readonly primaryKey: readonly string[] | null
  readonly indexes: readonly IndexFacts[]
  readonly constraints: readonly ConstraintFacts[]
  readonly triggers: readonly TriggerFacts[]
  readonly rules: readonly RuleFacts[]
  readonly rowSecurity: {
    readonly enabled: boolean
    readonly forced: boolean
    readonly policies: readonly PolicyFacts[]
  }
  /** null: never granted or revoked, the owner alone has rights. In the order of the catalog. */
  readonly grants: readonly GrantFacts[] | null
  readonly comment: string | null
  /** `fillfactor=70`, …; those of the TOAST table begin with `toast.`. */
  readonly options: readonly string[]
  readonly tablespace: string | null
  readonly accessMethod: string | null
  readonly replicaIdentity: 'default' | 'nothing' | 'full' | 'index'
  readonly sequences: readonly SequenceFacts[]
  readonly publications: readonly PublicationFacts[]
  readonly statistics: readonly StatisticsFacts[]
  /** Plain views that read the table, directly or through other plain views; what is read comes before what reads it. */
  readonly views: readonly ViewFacts[]
  /** What depends on the table and cannot follow it to another one: these keep it in place. */
  readonly bound: readonly BoundFacts[]
}

export interface ColumnFacts {
  readonly name: string
  readonly type: PgType
  /** As `format_type` prints it. */
  readonly typeName: string
  readonly nullable: boolean
  readonly default: string | null
  readonly generated: 'no' | 'stored' | 'virtual'
  readonly identity: 'no' | 'always' | 'by default'
  /** null: the type's own. */
  readonly collation: string | null
  readonly comment: string | null
  readonly grants: readonly GrantFacts[] | null
  readonly statisticsTarget: number | null
  readonly options: readonly string[]
  /** Views, policies, rules and such that read this very column, described. */
  readonly usedBy: readonly string[]
}

export interface GrantFacts {
  readonly grantor: string
  /** null: public. */
  readonly grantee: string | null
  readonly privilege: string
  readonly grantable: boolean
}

export interface IndexFacts {
  readonly name: string
  readonly unique: boolean
  readonly primary: boolean
  /** Key columns; null when one of them is an expression. */
  readonly columns: readonly string[] | null
  readonly partial: boolean
  readonly valid: boolean
  /** Checked row by row, at once: not deferrable. */
  readonly immediate: boolean
  /** From ` using ` on: what follows the table's name. */
  readonly definition: string
  /** The constraint that owns it. */
  readonly constraint: string | null
  readonly comment: string | null
  readonly options: readonly string[]
  readonly tablespace: string | null
  readonly clustered: boolean
  readonly replicaIdentity: boolean
}

export interface ConstraintFacts {
  readonly name: string
  readonly type: 'check' | 'foreign key' | 'primary key' | 'unique' | 'exclusion' | 'not null' | 'trigger'
  readonly definition: string
  readonly columns: readonly string[]
  readonly comment: string | null
}

export interface TriggerFacts {
  readonly name: string
  readonly definition: string
  readonly enabled: 'origin' | 'disabled' | 'replica' | 'always'
  readonly comment: string | null
}

export interface RuleFacts {
  readonly name: string
  readonly definition: string
  readonly enabled: 'origin' | 'disabled' | 'replica' | 'always'
  readonly comment: string | null
}

export interface PolicyFacts {
  readonly name: string
  readonly permissive: boolean
  readonly command: 'all' | 'select' | 'insert' | 'update' | 'delete'
  /** null: public. */
  readonly roles: readonly string[] | null
  readonly using: string | null
  readonly check: string | null
  readonly comment: string | null
}

export interface SequenceFacts extends Pick<TableName, 'schema'> {
  readonly name: string
  readonly column: string
  /** Part of an identity column, or owned by a column (`serial`). */
  readonly identity: boolean
  /** `integer`: what it counts in. */
  readonly type: string
  readonly grants: readonly GrantFacts[] | null
  readonly comment: string | null
}

/** A publication that names the table; those for all tables or a schema follow by themselves. */
export interface PublicationFacts {
  readonly name: string
  readonly columns: readonly string[] | null
  readonly filter: string | null
  readonly alterable: boolean
  readonly publishes: readonly ('insert' | 'update' | 'delete' | 'truncate')[]
}

export interface StatisticsFacts extends Pick<TableName, 'schema'> {
  readonly name: string
  readonly owner: string
  readonly kinds: readonly string[]
  /** Columns and expressions, as after `on`. */
  readonly on: string
  readonly target: number | null
  readonly comment: string | null
}

export interface ViewFacts extends Pick<TableName, 'schema'> {
  readonly name: string
  readonly owner: string
  readonly alterable: boolean
  /** Reads the table itself, so it has to be bound anew when the table is another one. */
  readonly direct: boolean
  readonly definition: string
  readonly options: readonly string[]
}

/** `why` completes "the table stays because of …": `materialized view api.totals`. */
export interface BoundFacts {
  readonly tag:
    | 'materialized view'
    | 'foreign key in'
    | 'row type'
    | 'inheritance'
    | 'partition'
    | 'extension'
    | 'security label'
    | 'function'
    | 'other'
  readonly why: string
}
