import { useQuery } from '@tanstack/react-query'
import type { UseQueryResult } from '@tanstack/react-query'
import { http } from '../../frame/http.ts'
import type { KeyedPoints } from './series.ts'

interface Series {
  readonly series: readonly KeyedPoints[]
}

export function useSeries(
  flow: string,
  asked: { readonly grain: string; readonly from: string; readonly to: string; readonly by: string | undefined },
): UseQueryResult<Series> {
  const { by, ...rest } = asked
  const query = new URLSearchParams({ ...rest, ...(by === undefined ? {} : { by }) })
  const url = `/api/series/${flow}?${query.toString()}`
  return useQuery({ queryKey: [url], queryFn: ({ signal }) => http<Series>(url, { signal }) })
}
