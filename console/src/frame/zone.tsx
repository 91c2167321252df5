/** The zone in which times are shown: the browser's unless somebody chose another. Kept in this browser. */
import { useSyncExternalStore } from 'react'

const key = 'sluice-zone'
const listeners = new Set<() => void>()

export const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone

function stored(): string {
  try {
    const zone = localStorage.getItem(key)
    return zone !== null && isZone(zone) ? zone : browserZone
  } catch {
    return browserZone
  }
}

let zone = stored()

export function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

export function setZone(name: string): void {
  zone = isZone(name) ? name : browserZone
  try {
    localStorage.setItem(key, zone)
  } catch {
    // Storage is refused: it holds until the page is closed.
  }
  for (const listener of listeners) listener()
}

/** For who is no component; it may change at any time. */
export const chosenZone = (): string => zone

export function useZone(): string {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => zone,
  )
}

/** UTC and the browser's own first. */
export function zones(): readonly string[] {
  return [...new Set(['UTC', browserZone, ...Intl.supportedValuesOf('timeZone')])]
}
