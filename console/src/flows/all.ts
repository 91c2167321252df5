/** Every flow there is, with its state: pages of the list, one after the other, kept as one. */
import { useQuery } from '@tanstack/react-query'
import { getListFlowsQueryKey, listFlows } from '../client/flows.ts'
import type { Flow } from '../client/model/flow.ts'

const pageSize = 500

export const allFlows = {
  queryKey: [...getListFlowsQueryKey(), 'all'] as const,
  queryFn: async ({ signal }: { readonly signal: AbortSignal }): Promise<readonly Flow[]> => {
    const flows: Flow[] = []
    let cursor: string | undefined
    do {
      const page = await listFlows({ limit: pageSize, ...(cursor === undefined ? {} : { cursor }) }, { signal })
      flows.push(...page.items)
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    return flows
  },
}

export const useAllFlows = () => useQuery(allFlows)
