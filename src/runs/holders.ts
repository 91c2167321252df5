/** Who else is at work in the project, as far as a flow is concerned. Pure. */
import type { Flow } from '../flows/flow.ts'
import { SluiceError } from '../lib/error.ts'
import type { HolderRow } from '../state/worker.ts'

/** A living worker that takes whatever waits of the flow, as it is defined here. */
export function canDo(holder: HolderRow, flow: Flow | undefined): boolean {
  return (
    holder.roles.includes('worker') &&
    holder.hash !== null &&
    (flow === undefined || holder.hash === flow.definitionHash)
  )
}

/**
 * Why nobody can do the flow as it is defined here, or null: a worker with another definition cannot, and while it holds a store
 * that only one process can hold, neither can we. `WORKER_OUTDATED`.
 */
export function outdated(
  flow: Flow,
  holders: readonly HolderRow[],
  exclusiveStores: readonly string[],
): SluiceError | null {
  if (holders.some((holder) => canDo(holder, flow))) return null
  const needed = flow.stores.filter((store) => exclusiveStores.includes(store))
  const holder = holders.find(
    (other) => other.roles.includes('worker') && needed.some((store) => other.stores.includes(store)),
  )
  if (holder === undefined) return null
  return new SluiceError('WORKER_OUTDATED', `The running worker does not know ${flow.name} as it is defined now`, {
    why: `process ${holder.pid} on ${holder.host} was started with ${holder.hash === null ? 'a config without it' : 'another definition of it'}, and holds ${needed.join(', ')}, which only one process can`,
    fix: `stop process ${holder.pid} and start \`sluice up\` again`,
    where: { flow: flow.name, store: needed[0] ?? '' },
  })
}
