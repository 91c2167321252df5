/** Which flows are shown, and how urgent they are. Pure. */
import type { Flow } from '../client/model/flow.ts'
import { listOf } from '../frame/search.ts'
import { flowStates } from './words.ts'
import type { FlowState } from './words.ts'

export interface FlowFilter {
  readonly state?: string | undefined
  readonly kind?: string | undefined
  readonly q?: string | undefined
}

/** All that is named has to hold; words of `q` are looked for in name, kind, stores and why. */
export function filterFlows(flows: readonly Flow[], { state, kind, q }: FlowFilter): readonly Flow[] {
  const states = new Set(listOf(state))
  const kinds = new Set(listOf(kind))
  const words = (q ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  return flows.filter((flow) => {
    if (states.size > 0 && !states.has(flow.state)) return false
    if (kinds.size > 0 && !kinds.has(flow.kind)) return false
    const text = [flow.name, flow.kind, ...flow.stores, flow.why ?? ''].join(' ').toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

export function countStates(flows: readonly Flow[]): Readonly<Record<FlowState, number>> {
  const counts = Object.fromEntries(flowStates.map((state) => [state, 0])) as Record<FlowState, number> // all of them
  for (const flow of flows) counts[flow.state] += 1
  return counts
}

export const kindsOf = (flows: readonly Flow[]): readonly string[] =>
  [...new Set(flows.map((flow) => flow.kind))].sort()

/** 0 is the most urgent. */
export const urgency = (state: FlowState): number => flowStates.indexOf(state)

/** States that ask for somebody; who pauses a flow knows why, and what never ran is told by its due time. */
const calling: readonly FlowState[] = ['failed', 'late', 'stale', 'never']

/** The answer to "is my data fresh?", in one line. */
export function verdict(counts: Readonly<Record<FlowState, number>>): {
  readonly title: string
  readonly tone: FlowState
} {
  const all = flowStates.reduce((sum, state) => sum + counts[state], 0)
  const worst = calling.find((state) => counts[state] > 0)
  const fresh = `${counts.fresh} of ${all} flows ${counts.fresh === 1 ? 'is' : 'are'} fresh`
  const paused = counts.paused === 0 ? '' : `, ${counts.paused} paused`
  if (all === 0) return { title: 'There is no flow yet', tone: 'never' }
  if (worst === undefined) {
    if (counts.fresh === 0) return { title: `All ${all} flows are paused`, tone: 'paused' }
    if (all === 1) return { title: 'The flow is fresh', tone: 'fresh' }
    return {
      title: counts.fresh === all ? `All ${all} flows are fresh` : `${fresh}${paused}`,
      tone: 'fresh',
    }
  }
  const words = calling.filter((state) => counts[state] > 0).map((state) => `${counts[state]} ${said[state] ?? state}`)
  return { title: `${fresh}: ${words.join(', ')}${paused}`, tone: worst }
}

const said: Partial<Record<FlowState, string>> = { never: 'not done yet' }
