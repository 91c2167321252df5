/**
 * What changes arrives by server-sent events: one stream a tab. An event says WHAT changed; the queries of it are asked again.
 *
 *     connecting ──open──> live ──broken──> offline ──open──> live (everything is asked again: events were missed)
 *     any of them ──pause──> paused ──resume──> connecting
 */
import { useQueryClient } from '@tanstack/react-query'
import type { QueryClient } from '@tanstack/react-query'
import { createContext, use, useEffect, useMemo, useState } from 'react'
import type { ReactNode } from 'react'
import { touchedBy } from './touched.ts'
import type { Change } from './touched.ts'

export type LiveState = 'connecting' | 'live' | 'offline' | 'paused'

const LiveContext = createContext<{ readonly state: LiveState; readonly toggle: () => void }>({
  state: 'connecting',
  toggle: () => {},
})

export const useLive = () => use(LiveContext)

const tags: readonly Change['tag'][] = ['run', 'flow', 'slice', 'occurrence', 'worker', 'backfill', 'notification']

/** A burst of events asks once: at most so often. */
const gatherMs = 400

function gather(client: QueryClient): {
  readonly add: (change: Change) => void
  readonly all: () => void
  readonly stop: () => void
} {
  let changes: Change[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  const ask = (): void => {
    timer = undefined
    const seen = changes
    changes = []
    void client.invalidateQueries({
      predicate: ({ queryKey }) => seen.some((change) => touchedBy(change, String(queryKey[0]))),
    })
  }
  return {
    add: (change) => {
      changes.push(change)
      timer ??= setTimeout(ask, gatherMs)
    },
    all: () => void client.invalidateQueries(),
    stop: () => clearTimeout(timer),
  }
}

export function LiveProvider({ children }: { readonly children: ReactNode }) {
  const client = useQueryClient()
  const [paused, setPaused] = useState(false)
  const [state, setState] = useState<LiveState>('connecting')
  useEffect(() => {
    if (paused) return
    const gathered = gather(client)
    let missed = false
    let again: ReturnType<typeof setTimeout> | undefined
    let stream: EventSource
    const open = (): void => {
      stream = new EventSource('/api/events')
      stream.addEventListener('open', () => {
        setState('live')
        if (missed) gathered.all()
        missed = false
      })
      stream.addEventListener('error', () => {
        setState('offline')
        missed = true
        // The browser tries again by itself unless the answer was no stream at all.
        if (stream.readyState === EventSource.CLOSED) again = setTimeout(open, 5_000)
      })
      // What was missed is not known: the connection broke, or the server could not keep it for us.
      stream.addEventListener('reload', () => gathered.all())
      for (const tag of tags)
        stream.addEventListener(tag, (event: MessageEvent<string>) => {
          // The server's own: api/events.ts.
          const change = JSON.parse(event.data) as Change
          gathered.add({ ...change, tag })
        })
    }
    open()
    return () => {
      clearTimeout(again)
      stream.close()
      gathered.stop()
    }
  }, [client, paused])
  const value = useMemo(
    () => ({
      state: paused ? ('paused' as const) : state,
      toggle: () => {
        // What happened meanwhile is asked for at once.
        if (paused) {
          setState('connecting')
          void client.invalidateQueries()
        }
        setPaused(!paused)
      },
    }),
    [client, paused, state],
  )
  return <LiveContext value={value}>{children}</LiveContext>
}
