/** What became of a notification, in a word. Pure. */
interface Delivery {
  readonly state: 'waiting' | 'delivered' | 'given up'
  readonly attempts: number
}

/** `nobody`: no webhook wants to know of it. */
export type Arrival = 'delivered' | 'waiting' | 'given up' | 'nobody'

/** The worst of its deliveries: one that did not arrive is not hidden by others that did. */
export function arrivalOf(deliveries: readonly Delivery[]): Arrival {
  if (deliveries.length === 0) return 'nobody'
  return (
    (['given up', 'waiting'] as const).find((state) => deliveries.some((each) => each.state === state)) ?? 'delivered'
  )
}

/** What a payload says, as far as it is one of ours: `STORE_UNREACHABLE: A store cannot be reached.`; of a test, who sent it. */
export function gistOf(payload: unknown): string {
  const data = fieldOf(payload, 'data')
  const error = fieldOf(data, 'error')
  const by = fieldOf(data, 'by')
  const parts = [fieldOf(error, 'code'), fieldOf(error, 'means'), fieldOf(data, 'why')]
  const said = parts.filter((part) => typeof part === 'string').join(': ')
  return said === '' && typeof by === 'string' ? `by ${by}` : said
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
