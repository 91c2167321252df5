/** DuckDB's types: how they lie in memory, which PostgreSQL type holds them, and what the query has to do for that. */
import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBEnumType,
  DuckDBListType,
  DuckDBTypeId as Id,
  type DuckDBType,
} from '@duckdb/node-api'
import type { PgType } from '../../transfer/pgtype.ts'
import type { Layout } from '../../transfer/pgcopy/vector.ts'

const numeric = (precision: number): PgType => ({ tag: 'numeric', precision, scale: 0 })
const int = (bits: 8 | 16 | 32 | 64 | 128, signed: boolean): Layout => ({ tag: 'int', bits, signed })

/** The PostgreSQL type that holds every value of a DuckDB type, or as near as PostgreSQL has one. */
export function pgTypeOf(type: DuckDBType): PgType {
  switch (type.typeId) {
    case Id.BOOLEAN:
      return { tag: 'boolean' }
    case Id.TINYINT:
    case Id.UTINYINT:
    case Id.SMALLINT:
      return { tag: 'int2' }
    case Id.USMALLINT:
    case Id.INTEGER:
      return { tag: 'int4' }
    case Id.UINTEGER:
    case Id.BIGINT:
      return { tag: 'int8' }
    case Id.UBIGINT:
      return numeric(20)
    case Id.HUGEINT:
    case Id.UHUGEINT:
      return numeric(39)
    case Id.BIGNUM:
      return { tag: 'numeric', precision: null, scale: null }
    case Id.FLOAT:
      return { tag: 'float4' }
    case Id.DOUBLE:
      return { tag: 'float8' }
    case Id.DECIMAL:
      return type instanceof DuckDBDecimalType
        ? { tag: 'numeric', precision: type.width, scale: type.scale }
        : { tag: 'numeric', precision: null, scale: null }
    case Id.BLOB:
      return { tag: 'bytea' }
    case Id.BIT:
      return { tag: 'bit', length: null, varying: true }
    case Id.DATE:
      return { tag: 'date' }
    case Id.TIME:
    case Id.TIME_NS:
      return { tag: 'time' }
    case Id.TIME_TZ:
      return { tag: 'timetz' }
    case Id.TIMESTAMP:
    case Id.TIMESTAMP_S:
    case Id.TIMESTAMP_MS:
    case Id.TIMESTAMP_NS:
      return { tag: 'timestamp' }
    case Id.TIMESTAMP_TZ:
      return { tag: 'timestamptz' }
    case Id.INTERVAL:
      return { tag: 'interval' }
    case Id.UUID:
      return { tag: 'uuid' }
    case Id.STRUCT:
    case Id.MAP:
    case Id.UNION:
    case Id.VARIANT:
      return { tag: 'jsonb' }
    case Id.LIST:
      return type instanceof DuckDBListType && isLeaf(type.valueType)
        ? { tag: 'array', of: pgTypeOf(type.valueType) }
        : { tag: 'jsonb' }
    case Id.ARRAY: {
      const leaf = arrayLeaf(type)
      return leaf === null ? { tag: 'jsonb' } : { tag: 'array', of: pgTypeOf(leaf) }
    }
    default:
      return isJson(type) ? { tag: 'jsonb' } : { tag: 'text' }
  }
}

/** What lies in a vector of this type; null: the query has to turn it into text first. */
export function layoutOf(type: DuckDBType): Layout | null {
  switch (type.typeId) {
    case Id.SQLNULL:
      return { tag: 'null' }
    case Id.BOOLEAN:
      return { tag: 'boolean' }
    case Id.TINYINT:
      return int(8, true)
    case Id.SMALLINT:
      return int(16, true)
    case Id.INTEGER:
      return int(32, true)
    case Id.BIGINT:
      return int(64, true)
    case Id.HUGEINT:
      return int(128, true)
    case Id.UTINYINT:
      return int(8, false)
    case Id.USMALLINT:
      return int(16, false)
    case Id.UINTEGER:
      return int(32, false)
    case Id.UBIGINT:
      return int(64, false)
    case Id.UHUGEINT:
      return int(128, false)
    case Id.FLOAT:
      return { tag: 'float', bits: 32 }
    case Id.DOUBLE:
      return { tag: 'float', bits: 64 }
    case Id.DECIMAL: {
      if (!(type instanceof DuckDBDecimalType)) return null
      const bits = type.width <= 4 ? 16 : type.width <= 9 ? 32 : type.width <= 18 ? 64 : 128
      return { tag: 'decimal', bits, precision: type.width, scale: type.scale }
    }
    case Id.VARCHAR:
      return { tag: 'string', json: isJson(type) }
    case Id.BLOB:
      return { tag: 'bytes' }
    case Id.BIT:
      return { tag: 'bits' }
    case Id.ENUM: {
      if (!(type instanceof DuckDBEnumType)) return null
      const count = type.values.length
      return { tag: 'enum', bits: count <= 256 ? 8 : count <= 65536 ? 16 : 32, labels: type.values }
    }
    case Id.DATE:
      return { tag: 'date' }
    case Id.TIME:
      return { tag: 'time', unit: 'us' }
    case Id.TIME_NS:
      return { tag: 'time', unit: 'ns' }
    case Id.TIME_TZ:
      return { tag: 'timetz' }
    case Id.TIMESTAMP_S:
      return { tag: 'timestamp', unit: 's', zoned: false }
    case Id.TIMESTAMP_MS:
      return { tag: 'timestamp', unit: 'ms', zoned: false }
    case Id.TIMESTAMP:
      return { tag: 'timestamp', unit: 'us', zoned: false }
    case Id.TIMESTAMP_NS:
      return { tag: 'timestamp', unit: 'ns', zoned: false }
    case Id.TIMESTAMP_TZ:
      return { tag: 'timestamp', unit: 'us', zoned: true }
    case Id.INTERVAL:
      return { tag: 'interval' }
    case Id.UUID:
      return { tag: 'uuid' }
    case Id.LIST: {
      const of = type instanceof DuckDBListType ? layoutOf(type.valueType) : null
      return of === null ? null : { tag: 'list', of }
    }
    case Id.ARRAY: {
      const of = type instanceof DuckDBArrayType ? layoutOf(type.valueType) : null
      return of === null || !(type instanceof DuckDBArrayType) ? null : { tag: 'array', of, size: type.length }
    }
    default:
      return null
  }
}

/** What the query has to select instead of the column itself. */
export function expressionOf(column: string, type: DuckDBType, target: PgType): string {
  const nested = layoutOf(type) === null || type.typeId === Id.LIST || type.typeId === Id.ARRAY
  if (!nested) return column
  if (type.typeId === Id.BIGNUM || type.typeId === Id.GEOMETRY) return `cast(${column} as varchar)`
  if (target.tag === 'array' && layoutOf(type) !== null) return column
  // Of a VARIANT, too; decimals and large integers keep their digits.
  return `to_json(${column})`
}

function isJson(type: DuckDBType): boolean {
  return type.typeId === Id.VARCHAR && type.alias === 'JSON'
}

/** A type whose values an array of PostgreSQL can have as elements. */
function isLeaf(type: DuckDBType): boolean {
  return layoutOf(type) !== null && type.typeId !== Id.LIST && type.typeId !== Id.ARRAY
}

function arrayLeaf(type: DuckDBType): DuckDBType | null {
  if (!(type instanceof DuckDBArrayType)) return isLeaf(type) ? type : null
  return arrayLeaf(type.valueType)
}
