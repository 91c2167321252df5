/** What a field may be filled from: the stores and flows of the project, the zones of the world. */
import { useQuery } from '@tanstack/react-query'
import { getListFlowsQueryOptions } from '../client/flows.ts'
import { getListStoresQueryOptions } from '../client/operation.ts'
import { zones } from '../frame/zone.tsx'
import type { Path } from './definition.ts'

export type Choices = (path: Path) => readonly string[]

/** By the name of the field, whichever kind has it; nothing for the others. `flow` is not offered to itself. */
export function useChoices(flow: string): Choices {
  const stores = useQuery(getListStoresQueryOptions())
  const flows = useQuery(getListFlowsQueryOptions({ limit: 500 }))
  return (path) => {
    switch (path.at(-1)) {
      case 'store':
        return stores.data?.items.map(({ name }) => name) ?? []
      case 'after':
        return flows.data?.items.map(({ name }) => name).filter((name) => name !== flow) ?? []
      case 'zone':
        return zones()
      default:
        return []
    }
  }
}
