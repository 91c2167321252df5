/** What a value of a query string may be. Pure; `fault` reads after the parameter's name. */
export type Parsed = { readonly value: string } | { readonly fault: string }
export type Parse = (text: string) => Parsed

export const parseText: Parse = (text) => {
  if (text.includes('\0')) return { fault: 'has a character of code 0, which PostgreSQL cannot hold' }
  if (!text.isWellFormed()) return { fault: 'is no valid Unicode' }
  return { value: text }
}

export const parseBoolean: Parse = (text) =>
  text === 'true' || text === 'false' ? { value: text } : { fault: 'has to be true or false' }

/** A JSON value, bound as PostgreSQL's jsonb can hold it. */
export const parseJson: Parse = (text) => {
  try {
    const value: unknown = JSON.parse(text)
    if (fits(value, 0)) return { value: JSON.stringify(value) }
  } catch {
    // Said below.
  }
  return { fault: 'has to be JSON, without the character of code 0 and without numbers beyond a double' }
}

function fits(value: unknown, depth: number): boolean {
  if (depth > 100) return false
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0')
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, one]) => fits(key, depth) && fits(one, depth + 1))
}
