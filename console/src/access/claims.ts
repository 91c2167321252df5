/**
 * Claims as a person writes them: a name, and its values as words. A word that reads as JSON is that (`5`, `true`, `["East"]`); in
 * quotes it is a text (`"5"`). Pure; what is written is read back as it was.
 */
type Scalar = string | number | boolean
type Claim = Scalar | Scalar[]
export type Claims = Record<string, Claim>

export interface ClaimRow {
  readonly name: string
  /** One: the value itself; several: a list. */
  readonly values: readonly string[]
}

const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

export function readWord(word: string): Claim {
  const text = word.trim()
  try {
    const value: unknown = JSON.parse(text)
    if (isScalar(value) || (Array.isArray(value) && value.every(isScalar))) return value
  } catch {
    // Not JSON: a text.
  }
  return text
}

export function writeWord(value: unknown): string {
  // A text that would be read as something else is quoted.
  return typeof value === 'string' && value !== '' && readWord(value) === value ? value : JSON.stringify(value)
}

export function rowsOf(claims: Readonly<Record<string, unknown>>): readonly ClaimRow[] {
  return Object.entries(claims).map(([name, value]) => ({
    name,
    values: Array.isArray(value) && value.length > 1 ? value.map(writeWord) : [writeWord(value)],
  }))
}

/** Rows without a name or a value are left out: they are being written. */
export function claimsOf(rows: readonly ClaimRow[]): Claims {
  return Object.fromEntries(
    rows.flatMap(({ name, values }) => {
      const [only] = values
      if (name.trim() === '' || only === undefined) return []
      return [[name.trim(), values.length === 1 ? readWord(only) : values.flatMap(readWord)]]
    }),
  )
}

/** Why rows cannot be saved, in one line; null: they can. */
export function faultOf(rows: readonly ClaimRow[]): string | null {
  const names = rows.map(({ name }) => name.trim())
  const twice = names.find((name, at) => name !== '' && names.indexOf(name) !== at)
  if (twice !== undefined) return `${twice} is there twice`
  const half = rows.find(({ name, values }) => (name.trim() === '') !== (values.length === 0))
  if (half === undefined) return null
  return half.name.trim() === '' ? 'a value has no name' : `${half.name.trim()} has no value`
}

/** `sector: East, West`: for a row of a table. */
export function inWords(claims: Readonly<Record<string, unknown>>): string {
  return rowsOf(claims)
    .map(({ name, values }) => `${name}: ${values.join(', ')}`)
    .join('; ')
}
