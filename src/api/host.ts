/** Which names this server answers to, and which origins are its own. Pure. */
import type { ApiSettings } from './config.ts'

type Named = Pick<ApiSettings, 'host' | 'hosts' | 'publicUrl'>

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i

export function isLoopback(host: string): boolean {
  return loopback.test(host)
}

/** The name in a Host header, lower case, without the port; null where it is none. */
export function nameOf(header: string | undefined): string | null {
  const found = /^(\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(header ?? '')
  return found?.[1]?.toLowerCase() ?? null
}

/**
 * On loopback only names that are known to mean this machine: a page elsewhere whose name was pointed here (DNS rebinding) comes
 * with its own. Beyond loopback any well-formed one, since the cookie belongs to the name.
 */
export function answersTo(header: string | undefined, settings: Named): boolean {
  const name = nameOf(header)
  if (name === null) return false
  if (!isLoopback(settings.host)) return true
  return isLoopback(name) || name === settings.publicUrl?.hostname || settings.hosts.includes(name)
}

/** Whether a browser's Origin is the page that we served under this Host. */
export function isOwnOrigin(origin: string, header: string | undefined, settings: Named): boolean {
  if (settings.publicUrl !== null && origin === settings.publicUrl.origin) return true
  if (!URL.canParse(origin)) return false
  const { host, protocol } = new URL(origin)
  return (protocol === 'http:' || protocol === 'https:') && header !== undefined && host === defaulted(header, protocol)
}

/** A Host header as `URL.host` writes it: lower case, without the port that the protocol has anyway. */
function defaulted(header: string, protocol: string): string | null {
  const url = `${protocol}//${header}`
  return URL.canParse(url) ? new URL(url).host : null
}
