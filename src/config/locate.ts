/**
 * The line of a config's source text where the value at `path` most likely stands: each name of the path is searched as a
 * key behind the one before it. A guess for messages; null when not even the first name is found.
 */
export function lineOf(source: string, path: readonly (string | number)[]): number | null {
  const text = blankComments(source)
  let from = 0
  let found: number | null = null
  for (const part of path) {
    if (typeof part === 'number') continue
    const at = keyAt(text, part, from)
    if (at === null) break
    found = at
    from = at + part.length
  }
  return found === null ? null : source.slice(0, found).split('\n').length
}

function keyAt(text: string, key: string, from: number): number | null {
  const name = key.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  // `key:`, `'key':`, the shorthand `key,` or `key }`; a key of a list of names as a last resort.
  for (const pattern of [`(?<![\\w$.-])(['"]?)${name}\\1\\s*(?=[:,}])`, `(?<![\\w$-])${name}(?![\\w$-])`]) {
    const search = new RegExp(pattern, 'g')
    search.lastIndex = from
    const match = search.exec(text)
    if (match !== null) return match.index
  }
  return null
}

/** Comments become spaces, so that positions stay. Strings are kept: a `//` in a URL is no comment. */
function blankComments(source: string): string {
  return source.replaceAll(/(['"`])(?:\\.|(?!\1)[^\\])*\1|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (match) =>
    match.startsWith('/') ? match.replaceAll(/[^\n]/g, ' ') : match,
  )
}
