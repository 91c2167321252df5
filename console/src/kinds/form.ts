/** What a kind's folder says of the form in which its flows are made. The fields themselves come from the schema of the API. */
import type { JsonObject } from '../editor/definition.ts'

export interface FormSection {
  readonly title: string
  readonly about: string
  /** Keys of the definition; what the schema has and no section names stands in the last one. */
  readonly keys: readonly string[]
  /** Closed at first, unless something in it is said. */
  readonly folded?: boolean
}

export interface KindForm {
  readonly kind: string
  /** What it does, in one line. */
  readonly says: string
  /** What a new flow begins with. */
  readonly start: JsonObject
  readonly sections: readonly FormSection[]
  /** Names of fields where the key alone says too little, by path: `from.query`, `to`; of ways to write a value, by its key, or several: `to#table`, `from#table+store`, or by how they are entered: `by#list`. */
  readonly names: Readonly<Record<string, string>>
  /** Paths of long text: statements. */
  readonly long: readonly string[]
}

/** Of what is read from a store. */
export const sourceNames = {
  'from.csv': 'Path',
  'from.parquet': 'Path',
  'from.json': 'Path',
  'from.file': 'SQL file',
  'from.file.$file': 'Path',
  'from#query': 'Query',
  'from#file': 'SQL file',
  'from#parquet': 'Parquet',
  'from#csv': 'CSV',
  'from#json': 'JSON',
  changed: 'Changed when',
} as const
