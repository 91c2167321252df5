import type { LoadedConfig } from '../config/load.ts'
import { SluiceError } from '../lib/error.ts'
import { nearest } from '../lib/nearest.ts'

/** The names that were asked for, each of them known; all of them where none was named. `FLOW_UNKNOWN`, `USAGE`. */
export function chosenFlows(known: readonly string[], named: readonly string[]): readonly string[] {
  for (const name of named) {
    if (known.includes(name)) continue
    const meant = nearest(name, known)
    throw new SluiceError('FLOW_UNKNOWN', `There is no flow ${name}`, {
      why: known.length === 0 ? 'the config has no flows' : `the config has ${known.join(', ')}`,
      fix: meant === null ? 'correct the name, or add the flow to the config' : `did you mean ${meant}?`,
      where: { flow: name },
    })
  }
  return named.length === 0 ? known : [...new Set(named)]
}

export function namesOf(loaded: LoadedConfig): readonly string[] {
  return loaded.flows.map(({ flow }) => flow.name)
}
