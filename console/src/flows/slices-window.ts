/** The slices that a screen of the calendar shows: the page asks for them, and the route before it, as soon as it can know which. */
import type { UseQueryOptions } from '@tanstack/react-query'
import { getListSlicesQueryKey, listSlices } from '../client/flows.ts'
import type { Slice } from '../client/model/slice.ts'
import { bounds, isWindow, layoutFor, windowOf } from './calendar.ts'
import type { Layout } from './calendar.ts'

const pageSize = 500

export interface Screen {
  readonly layout: Layout
  /** The stretch that is shown, and the newest there is. */
  readonly window: string
  readonly latest: string
  /** Of one slice, in milliseconds. */
  readonly length: number
}

/** Which stretch is shown, by the newest slice and what the URL asks for; null: the slices stand for no time. */
export function screenOf(newest: Slice | undefined, asked: string | undefined, zone: string): Screen | null {
  if (newest === undefined || newest.period === null) return null
  const { from, to } = newest.period
  const length = Date.parse(to) - Date.parse(from)
  const layout = layoutFor(length)
  const latest = windowOf(new Date(from), layout, zone)
  return { layout, latest, length, window: asked !== undefined && isWindow(asked, layout) ? asked : latest }
}

/** What is asked first of a flow's slices: whether they stand for a time, and for which. `only`: of those with this text in their key. */
export const newestOf = (only: string | undefined) => ({ limit: 1, ...(only === undefined ? {} : { search: only }) })

/** All slices of a screen, page after page: at most some thousand, by the layout. */
export function slicesOf(flow: string, { window, layout }: Pick<Screen, 'window' | 'layout'>, only?: string) {
  const params = { ...bounds(window, layout), ...(only === undefined ? {} : { search: only }) }
  return {
    queryKey: [...getListSlicesQueryKey(flow, params), 'all'],
    queryFn: async ({ signal }) => {
      const found: Slice[] = []
      let cursor: string | null = null
      do {
        const page: Awaited<ReturnType<typeof listSlices>> = await listSlices(
          flow,
          { ...params, limit: pageSize, ...(cursor === null ? {} : { cursor }) },
          { signal },
        )
        found.push(...page.items)
        cursor = page.next
      } while (cursor !== null)
      return found
    },
  } satisfies UseQueryOptions<readonly Slice[]>
}
