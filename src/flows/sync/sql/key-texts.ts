import { ident, idents, join, raw, sql, type Database } from '../../../lib/sql.ts'
import { formatPgType, type PgType } from '../../../transfer/pgtype.ts'

type Field = Uint8Array | null

/**
 * Keys as PostgreSQL prints them, from their binary form: a handful of rows through a temporary table, so that every type
 * prints as it does everywhere else.
 */
export async function keyTexts(
  db: Database,
  columns: readonly { readonly name: string; readonly type: PgType }[],
  rows: readonly (readonly Field[])[],
): Promise<readonly Readonly<Record<string, string | null>>[]> {
  if (columns.length === 0 || rows.length === 0) return rows.map(() => ({}))
  return db.transaction(async (tx) => {
    const table = ident('pg_temp', 'sluice_keys')
    const order = '\u{1f511}' // no user's column has this name
    const definitions = columns.map(({ name, type }) => sql`${ident(name)} ${raw(formatPgType(type))}`)
    await tx.run(
      sql`create temporary table ${ident('sluice_keys')} (${ident(order)} integer, ${join(definitions, ', ')}) on commit drop`,
    )
    const names = columns.map(({ name }) => name)
    const statement = sql`copy ${table} (${idents([order, ...names])}) from stdin (format binary)`
    await tx.copyIn(statement, once(encode(rows)))
    const texts = names.map((name) => sql`${ident(name)}::text as ${ident(name)}`)
    return tx.all<Record<string, string | null>>(
      sql`select ${join(texts, ', ')} from ${table} order by ${ident(order)}`,
    )
  })
}

async function* once(data: Uint8Array): AsyncIterable<Uint8Array> {
  yield data
}

function encode(rows: readonly (readonly Field[])[]): Uint8Array {
  const parts: Buffer[] = [Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]
  rows.forEach((fields, index) => {
    parts.push(int16(fields.length + 1), int32(4), int32(index))
    for (const field of fields)
      parts.push(...(field === null ? [int32(-1)] : [int32(field.length), Buffer.from(field)]))
  })
  return Buffer.concat([...parts, int16(-1)])
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
