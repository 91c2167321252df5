/** One clock for every relative time of the page: it moves on each second while somebody looks, for as long as the tab is seen. */
import { useSyncExternalStore } from 'react'

const listeners = new Set<() => void>()
let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined

function tick(): void {
  if (document.hidden) return
  now = Date.now()
  for (const listener of listeners) listener()
}

function listen(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(tick, 1_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/** Now, rounded down to `step` milliseconds: a row that shows minutes is not drawn each second. */
export function useNow(step = 1_000): Date {
  const rounded = useSyncExternalStore(listen, () => Math.floor(now / step) * step)
  return new Date(rounded)
}
