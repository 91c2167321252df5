/** Flows as they stand, with what to do next: what the list, one flow and the home page are made of. */
import type { z } from 'zod'
import type { Flow } from '../flows/flow.ts'
import { SluiceError } from '../lib/error.ts'
import { nearest } from '../lib/nearest.ts'
import type { Engine } from '../runs/engine.ts'
import type { DefinedFlow } from '../definitions.ts'
import type { Sluice } from '../sluice.ts'
import { recommendationsOf, type Surroundings } from './recommend.ts'
import { toAdvice } from './records/advice.ts'
import { type flow, toFlow } from './records/flow.ts'

export interface Overview {
  readonly flows: readonly z.output<typeof flow>[]
  readonly defined: ReadonlyMap<string, DefinedFlow>
  readonly surroundings: Surroundings
}

/** All flows by name, or those named. */
export async function overview(sluice: Sluice, only?: string): Promise<Overview> {
  const { engine } = sluice
  const [definitions, status, alive, outdated] = await Promise.all([
    only === undefined ? sluice.definitions.list() : sluice.definitions.get(only).then((one) => [one]),
    engine.status(only === undefined ? undefined : knownNames(engine, only)),
    engine.alive(),
    engine.outdated(),
  ])
  const surroundings = { alive, outdated }
  const statuses = new Map(status.map((one) => [String(one.name), one]))
  const flows = definitions.map((defined) => {
    const found = statuses.get(defined.name)
    const [next] = found === undefined ? [] : recommendationsOf([found], surroundings)
    return toFlow(defined, found, next === undefined ? null : toAdvice(next, found?.lastRun?.id ?? null))
  })
  return { flows, defined: new Map(definitions.map((one) => [String(one.name), one])), surroundings }
}

/** A flow that this process may not know, though it is defined, has no status. */
function knownNames(engine: Pick<Engine, 'flows'>, name: string): Flow['name'][] {
  return engine.flows().flatMap((flow) => (flow.name === name ? [flow.name] : []))
}

/** A flow of the project by its name. `FLOW_UNKNOWN`, with the name that was meant. */
export function flowOf(sluice: Pick<Sluice, 'engine'>, name: string): Flow {
  const flows = sluice.engine.flows()
  const found = flows.find((flow) => flow.name === name)
  if (found !== undefined) return found
  const names = flows.map((flow) => String(flow.name))
  const meant = nearest(name, names)
  throw new SluiceError('FLOW_UNKNOWN', 'There is no flow of that name', {
    why: names.length === 0 ? 'the project has no flows' : 'no flow of this project is called so',
    fix: meant === null ? 'GET /api/flows lists them' : `did you mean ${meant}?`,
  })
}
