/** Who else is at work in the project, as far as a flow is concerned. Pure. */
import type { Flow } from '../flows/flow.ts'
import { SluiceError } from '../lib/error.ts'
import type { HolderRow } from '../state/worker.ts'

/** A flow as it is registered, and as this process has it. */
export interface Known {
  readonly name: string
  /** The hash of its definition; null: the project has no such flow any more. */
  readonly registered: string | null
  /** undefined: this process does not have it. */
  readonly here: Flow | undefined
}

/** This process does not have it as it is registered. */
export const isDefinedAnew = ({ registered, here }: Known): boolean => here?.definitionHash !== registered

/** A living worker that takes whatever waits of the flow, as it is registered. */
export function canDo(holder: HolderRow, { registered }: Pick<Known, 'registered'>): boolean {
  return holder.roles.includes('worker') && registered !== null && holder.hash === registered
}

/**
 * Why nobody does the flow as it is registered, or null: no living worker has it so, and neither have we; or one that has it otherwise
 * holds a store that only one process can hold. `WORKER_OUTDATED`.
 */
export function outdated(
  known: Known,
  holders: readonly HolderRow[],
  exclusiveStores: readonly string[],
): SluiceError | null {
  if (holders.some((holder) => canDo(holder, known))) return null
  const { name, here } = known
  if (here === undefined || isDefinedAnew(known)) return definedAnew(known)
  const needed = here.stores.filter((store) => exclusiveStores.includes(store))
  const holder = holders.find(
    (other) => other.roles.includes('worker') && needed.some((store) => other.stores.includes(store)),
  )
  if (holder === undefined) return null
  return new SluiceError('WORKER_OUTDATED', `The running worker does not know ${name} as it is defined now`, {
    why: `process ${holder.pid} on ${holder.host} was started with ${holder.hash === null ? 'a config without it' : 'another definition of it'}, and holds ${needed.join(', ')}, which only one process can`,
    fix: `stop process ${holder.pid} and start \`sluice up\` again`,
    where: { flow: name, store: needed[0] ?? '' },
  })
}

/**
 * Whether somebody's command has a flow as it is registered where we do not: it may have joined our run, and be about to do it. It is
 * gone when that has ended.
 */
export function mayHaveJoined(known: Known, holders: readonly HolderRow[]): boolean {
  const { registered } = known
  if (registered === null || !isDefinedAnew(known)) return false
  return holders.some(({ roles, hash }) => roles.includes('run') && hash === registered)
}

function definedAnew({ name, registered }: Known): SluiceError {
  return new SluiceError('WORKER_OUTDATED', `This process does not know ${name} as it is defined now`, {
    why:
      registered === null
        ? 'a process that was started since has a config without it, and the last one counts'
        : 'a process that was started since has another definition of it, the last one counts, and no worker that has it is alive',
    fix: 'start this process again with the config as it is now; two configs that are both meant need a `project` each',
    where: { flow: name },
  })
}
