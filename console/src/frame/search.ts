/**
 * Filters in the URL: plain words, so that a link can be read and written by hand. A page declares them with `validateSearch`;
 * what does not fit is dropped, never an error: a link of yesterday still opens.
 */
export type RawSearch = Readonly<Record<string, string | undefined>>

export function parseSearch(text: string): RawSearch {
  return Object.fromEntries(new URLSearchParams(text))
}

/** What is empty is left out. */
export function stringifySearch(search: Readonly<Record<string, unknown>>): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(search))
    if (typeof value === 'string' ? value !== '' : typeof value === 'number' || typeof value === 'boolean')
      params.set(name, String(value))
  const text = params.toString().replaceAll('%2C', ',').replaceAll('%3A', ':')
  return text === '' ? '' : `?${text}`
}

/** A text, trimmed; undefined when empty. */
export function textIn(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.trim() : ''
  return text === '' ? undefined : text
}

/** One of the words. */
export function oneIn<const Word extends string>(value: unknown, words: readonly Word[]): Word | undefined {
  return words.find((word) => word === value)
}

/** Some of the words, separated by commas, in the order of `words`. */
export function someIn<const Word extends string>(value: unknown, words: readonly Word[]): string | undefined {
  const given = new Set(typeof value === 'string' ? value.split(',') : [])
  return textIn(words.filter((word) => given.has(word)).join(','))
}

/** The list that `someIn` keeps as text. */
export const listOf = (value: string | undefined): readonly string[] => (value === undefined ? [] : value.split(','))

/** The words that `someIn` keeps as text, as the API asks for them; undefined: any. */
export function wordsIn<const Word extends string>(
  value: string | undefined,
  words: readonly Word[],
): Word[] | undefined {
  const given = new Set(listOf(value))
  const found = words.filter((word) => given.has(word))
  return found.length === 0 ? undefined : found
}
