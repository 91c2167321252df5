import { SluiceError } from '../../../lib/error.ts'
import { sql, type Sql } from '../../../lib/sql.ts'
import type { TableFacts } from '../table.ts'
import type { PublicationRequest } from './request.ts'

const longest = 63
/** Names that no column can have. */
const systemColumns = ['tableoid', 'ctid', 'xmin', 'xmax', 'cmin', 'cmax']

/**
 * Whether a request can be published at all, whichever way. Pure.
 *
 * @throws SluiceError `TARGET_UNSUITABLE` (a name that PostgreSQL would cut, a column that nothing fills), `SOURCE_COLUMN_MISSING`, `CONFIG_INVALID`.
 */
export function checkRequest(request: PublicationRequest, facts: TableFacts | null): void {
  const { target, columns, key, latestBy, mode, softDelete } = request
  const table = `${target.schema}.${target.table}`
  for (const name of [target.schema, target.table, ...columns.map((column) => column.name), softDelete ?? '']) {
    if (Buffer.byteLength(name) > longest) {
      throw new SluiceError('TARGET_UNSUITABLE', `"${name}" is longer than ${longest} bytes`, {
        why: 'PostgreSQL would cut it, and two names could become one',
        fix: 'choose a shorter name',
        where: { table },
      })
    }
  }
  const system = columns.find(({ name }) => systemColumns.includes(name))
  if (system !== undefined) {
    throw new SluiceError('TARGET_UNSUITABLE', `no table can have a column "${system.name}"`, {
      why: 'PostgreSQL keeps that name for a column of its own in every table',
      fix: `give it another name: columns: { other_name: { from: '${system.name}' } }`,
      where: { table, column: system.name },
    })
  }
  const names = new Set(columns.map(({ name }) => name))
  for (const name of [...key, ...(latestBy === undefined ? [] : [latestBy])]) {
    if (names.has(name)) continue
    throw new SluiceError('SOURCE_COLUMN_MISSING', `the source has no column "${name}"`, {
      why: `${name === latestBy ? '`latestBy`' : 'the key'} of ${table} names it; the source has ${[...names].join(', ')}`,
      fix: 'correct the name, or select the column in the source',
      where: { table, column: name },
    })
  }
  const keyless = mode === 'upsert' ? 'mode upsert' : latestBy === undefined ? null : 'latestBy'
  if (keyless !== null && key.length === 0) {
    throw new SluiceError('CONFIG_INVALID', `${keyless} needs a key`, {
      why: 'rows of the source are matched with those of the target by their key',
      fix: "name the key's columns in `key`",
      where: { table },
    })
  }
  const filled = new Set([...names, softDelete])
  const empty = facts?.columns.find(
    (column) =>
      !filled.has(column.name) &&
      !column.nullable &&
      column.default === null &&
      column.identity === 'no' &&
      column.generated === 'no',
  )
  if (empty !== undefined) {
    throw new SluiceError('SOURCE_COLUMN_MISSING', `nothing fills column "${empty.name}" of ${table}`, {
      why: 'it is not null and has no default, and the source does not have it',
      fix: 'select it in the source, or give the column a default',
      where: { table, column: empty.name },
    })
  }
}

/**
 * A table that is to be created needs its schema.
 *
 * @throws SluiceError `TARGET_UNSUITABLE`
 */
export async function requireSchema(db: Sql, { target }: PublicationRequest): Promise<void> {
  const there = await db.maybe(sql`select 1 as "one" from pg_namespace where nspname = ${target.schema}`)
  if (there !== undefined) return
  throw new SluiceError('TARGET_UNSUITABLE', `there is no schema "${target.schema}"`, {
    why: `${target.schema}.${target.table} would be created in it`,
    fix: `create schema ${target.schema}; or name another in \`to\``,
    where: { table: `${target.schema}.${target.table}` },
  })
}

/**
 * Row security hides rows without a word: what is compared, counted or verified would be a part of the table. Pure.
 *
 * @throws SluiceError `TARGET_UNSUITABLE` where it applies to the connected role.
 */
export function refuseHidden({ schema, table, owner, rowSecurityActive }: TableFacts): void {
  if (!rowSecurityActive) return
  const name = `${schema}.${table}`
  throw new SluiceError('TARGET_UNSUITABLE', `row security would hide rows of ${name} from this role`, {
    why: 'rows that cannot be seen can be neither compared nor counted nor verified',
    fix: `connect as ${owner} with \`alter table ${name} no force row level security\`, or as a role with \`bypassrls\``,
    where: { table: name },
  })
}
