import { readFileSync } from 'node:fs'

/** The version of this package. */
export function versionOf(): string {
  const path = new URL('../../package.json', import.meta.url)
  const { version: found } = JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string } // our own package.json
  return found
}
