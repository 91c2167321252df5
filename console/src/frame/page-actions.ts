/** What can be done on the page that is open, for the palette. */
import { useEffect, useSyncExternalStore } from 'react'

export interface PageAction {
  readonly label: string
  readonly run: () => void
}

let actions: readonly PageAction[] = []
const listeners = new Set<() => void>()

function set(next: readonly PageAction[]): void {
  actions = next
  for (const listener of listeners) listener()
}

/** Offers these while the page is open; keep the list stable (`useMemo`). */
export function useOffer(offered: readonly PageAction[]): void {
  useEffect(() => {
    set(offered)
    return () => set([])
  }, [offered])
}

export function usePageActions(): readonly PageAction[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => actions,
  )
}
