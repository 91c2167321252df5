/** The slices of a backfill, read page by page: those of the first page are there while the others are on their way. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { listBackfillSlices } from '../client/backfills.ts'
import type { Backfill } from '../client/model/backfill.ts'
import type { BackfillSlice } from '../client/model/backfillSlice.ts'
import { useNow } from '../frame/clock.ts'
import { queries } from '../frame/query.ts'

/** More than these say nothing to anybody; the counts are of all. */
export const most = 10_000
const pageSize = 500
/** Many pages are read again at most so often, however many of their slices end meanwhile. */
const restMs = 5_000

interface Read {
  readonly slices: readonly BackfillSlice[]
  /** There is no further page to wait for. */
  readonly whole: boolean
}

/**
 * Kept under a name of its own, so that no event asks for it: a backfill at work sends them faster than the pages of a long one can be
 * read, and each would begin again from the first.
 */
export const slicesOf = (id: string) => {
  const queryKey = ['slices of a backfill', id] as const
  return {
    queryKey,
    staleTime: 0,
    queryFn: async ({ signal }: { readonly signal: AbortSignal }): Promise<Read> => {
      let slices: readonly BackfillSlice[] = []
      let cursor: string | undefined
      for (;;) {
        const next = cursor === undefined ? {} : { cursor }
        const page = await listBackfillSlices(id, { limit: pageSize, ...next }, { signal })
        slices = [...slices, ...page.items]
        cursor = page.next ?? undefined
        if (cursor === undefined || slices.length >= most) return { slices, whole: true }
        // Only the first: to draw after each page would take longer than to read the next. Never fewer than are there already.
        const first: Read = { slices, whole: false }
        queries.setQueryData<Read>(queryKey, (before) => before ?? first)
      }
    },
  }
}

/** Read again when the counts of the backfill say that there is something new. */
export function useSlices({ id, slices: counts }: Pick<Backfill, 'id' | 'slices'>) {
  const now = useNow().getTime()
  const query = useQuery(slicesOf(id))
  const { isFetching, dataUpdatedAt, refetch } = query
  const said = JSON.stringify(counts)
  const asked = useRef(said)
  useEffect(() => {
    if (isFetching || asked.current === said) return
    if (counts.total > pageSize && now - dataUpdatedAt < restMs) return
    asked.current = said
    void refetch()
  }, [now, isFetching, dataUpdatedAt, refetch, said, counts.total])
  return query
}
