/** The way to a value in JSON, as a JSON pointer (RFC 6901). Pure. */
export function pointerOf(way: readonly PropertyKey[]): string {
  return way.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
