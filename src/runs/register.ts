import type { Flow } from '../flows/flow.ts'
import type { Json } from '../lib/json.ts'
import type { Session, Sql } from '../lib/sql.ts'
import { lockFlows, readFlow, readUnchanged, writeFlows, type NewFlow } from '../state/flow.ts'
import { inTransaction, type EngineContext } from './context.ts'
import { isDefinedAnew, type Known } from './holders.ts'

export interface Definition {
  readonly flow: Flow
  /** As written in the config: references to variables and secrets unresolved. */
  readonly definition: Json
}

/**
 * Brings `flow` and `flow_version` in line with the config; one query when nothing has changed. `also` is done in the same
 * transaction.
 */
export async function register(
  engine: Pick<EngineContext, 'state' | 'leases' | 'bell'>,
  definitions: readonly Definition[],
  also: (tx: Session) => Promise<void>,
): Promise<void> {
  const { state } = engine
  const flows: readonly NewFlow[] = definitions.map(({ flow, definition }) => ({
    name: flow.name,
    kind: flow.kind,
    definition,
    definition_hash: flow.definitionHash,
  }))
  const { same, standing } = await readUnchanged(state.db, state, flows)
  if (same === flows.length && standing === flows.length) return
  await inTransaction(engine, async (tx) => {
    await lockFlows(tx, state)
    await writeFlows(tx, state, flows)
    await also(tx)
    for (const { name } of flows) await engine.bell.ring(tx, { topic: 'flow', flow: name })
  })
}

/** A flow as it counts, and as this process has it: if it was saved in the console since, that is taken over first. */
export async function readKnown(
  db: Sql,
  { state, flows, registry }: Pick<EngineContext, 'state' | 'flows' | 'registry'>,
  name: string,
): Promise<Known> {
  const read = async (): Promise<Known> => {
    const row = await readFlow(db, state, name)
    return { name, registered: row?.definition_hash ?? null, here: flows.get(name) }
  }
  const known = await read()
  if (!isDefinedAnew(known)) return known
  await registry.refresh()
  return await read()
}
