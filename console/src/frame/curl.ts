/** A request to the API as a command line, for a shell that has the token of the person in SLUICE_TOKEN. Pure. */

/** As a POSIX shell reads it. */
export function quoted(word: string): string {
  return /^[\w./:@=+,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}

export function curl(request: {
  readonly method?: 'GET' | 'POST'
  readonly url: string
  readonly body?: unknown
}): string {
  const { method = 'GET', url, body } = request
  return [
    'curl -sS',
    ...(method === 'GET' ? [] : [`-X ${method}`]),
    quoted(url),
    '-H "Authorization: Bearer $SLUICE_TOKEN"',
    ...(body === undefined ? [] : [`--json ${quoted(JSON.stringify(body))}`]),
  ].join(' \\\n  ')
}
