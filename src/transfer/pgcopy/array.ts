import type { PgType } from '../pgtype.ts'
import { fault, unsuitable, type Converted } from './fault.ts'
import type { Value } from './value.ts'

/** Fixed for all versions of PostgreSQL: pg_type.dat. */
const oids: Readonly<Partial<Record<PgType['tag'], number>>> = {
  boolean: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  json: 114,
  float4: 700,
  float8: 701,
  char: 1042,
  varchar: 1043,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
  interval: 1186,
  timetz: 1266,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
}

function oidOf(type: PgType): number | null {
  if (type.tag === 'bit') return type.varying ? 1562 : 1560
  return oids[type.tag] ?? null
}

/** A list as an array of PostgreSQL: nested lists are further dimensions, and must be of one length each. */
export function encodeArray(
  value: Value,
  type: Extract<PgType, { tag: 'array' }>,
  convert: (value: Value, type: PgType) => Converted,
): Converted {
  if (value.tag !== 'list') return unsuitable(value, 'array')
  const oid = oidOf(type.of)
  if (oid === null) return fault('arrays of a type that the database defines are not carried')
  const lengths: number[] = []
  const leaves: (Value | null)[] = []
  if (!flatten(value.items, 0, lengths, leaves))
    return fault('its inner lists differ in length, which an array of PostgreSQL cannot')
  if (lengths.length > 6) return fault('an array of PostgreSQL has at most 6 dimensions')
  const empty = leaves.length === 0
  const parts: (Uint8Array | null)[] = []
  let size = 12 + (empty ? 0 : lengths.length * 8)
  let nulls = 0
  for (const leaf of leaves) {
    const encoded = leaf === null ? null : convert(leaf, type.of)
    if (encoded !== null && 'tag' in encoded) return fault(`an element does not fit: ${encoded.why}`)
    parts.push(encoded)
    size += 4 + (encoded?.length ?? 0)
    if (encoded === null) nulls = 1
  }
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  view.setInt32(0, empty ? 0 : lengths.length)
  view.setInt32(4, nulls)
  view.setInt32(8, oid)
  let at = 12
  for (const length of empty ? [] : lengths) {
    view.setInt32(at, length)
    view.setInt32(at + 4, 1)
    at += 8
  }
  for (const part of parts) {
    view.setInt32(at, part === null ? -1 : part.length)
    at += 4
    if (part === null) continue
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Collects the leaves in order; false when the nesting is not rectangular. */
function flatten(
  items: readonly (Value | null)[],
  depth: number,
  lengths: number[],
  leaves: (Value | null)[],
): boolean {
  if (lengths[depth] === undefined) lengths[depth] = items.length
  if (lengths[depth] !== items.length) return false
  const nested = items.some((item) => item?.tag === 'list')
  if (!nested) {
    if (lengths.length > depth + 1) return false
    leaves.push(...items)
    return true
  }
  // A list that is null among lists has no counterpart, and leaves met at an outer depth do not mix with lists.
  if (lengths.length === depth + 1 && leaves.length > 0) return false
  return items.every((item) => item?.tag === 'list' && flatten(item.items, depth + 1, lengths, leaves))
}
