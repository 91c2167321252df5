/** A list that is read page by page: the rows of the pages that were asked for so far. */
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'

interface Page<Row> {
  readonly items: readonly Row[]
  readonly next: string | null
  readonly total: number | null
}

export interface Pages<Row> {
  readonly rows: readonly Row[]
  readonly total: number | null
  /** Nothing has arrived yet. */
  readonly pending: boolean
  readonly error: unknown
  readonly retry: () => void
  /** Undefined: there is no further page. */
  readonly more: (() => void) | undefined
  readonly loadingMore: boolean
}

/**
 * `key` begins with the path of the API, by which events find it; then whatever filters. Rows of the filter before stay on the screen
 * until those of the new one arrive.
 */
export function usePages<Row>(
  key: readonly [path: `/api/${string}`, ...filter: readonly unknown[]],
  read: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<Row>>,
): Pages<Row> {
  const query = useInfiniteQuery({
    queryKey: [...key, 'pages'],
    queryFn: ({ pageParam, signal }) => read(pageParam, signal),
    initialPageParam: undefined as string | undefined, // the first page has no cursor
    getNextPageParam: ({ next }) => next ?? undefined,
    placeholderData: keepPreviousData,
  })
  const rows = useMemo(() => query.data?.pages.flatMap(({ items }) => items) ?? [], [query.data])
  return {
    rows,
    total: query.data?.pages[0]?.total ?? null,
    pending: query.isPending,
    error: query.data === undefined ? query.error : null,
    retry: () => void query.refetch(),
    more: query.hasNextPage ? () => void query.fetchNextPage() : undefined,
    loadingMore: query.isFetchingNextPage,
  }
}
