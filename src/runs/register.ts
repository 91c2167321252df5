import type { Flow } from '../flows/flow.ts'
import type { Json } from '../lib/json.ts'
import type { Session } from '../lib/sql.ts'
import { lockFlows, readUnchanged, writeFlows, type NewFlow } from '../state/flow.ts'
import { inTransaction, type EngineContext } from './context.ts'

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
