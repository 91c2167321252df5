import type { FlowStatus } from '../runs/engine.ts'

export interface Recommendation {
  readonly flow: string
  readonly text: string
  readonly command: string
}

/** What to do next about each flow that is not as it should be. Pure. */
export function recommendationsOf(flows: readonly FlowStatus[]): readonly Recommendation[] {
  return flows.flatMap((flow) => {
    const found = recommend(flow)
    return found === null ? [] : [{ flow: flow.name, ...found }]
  })
}

function recommend({ name, state, running, lastRun }: FlowStatus): Omit<Recommendation, 'flow'> | null {
  switch (state) {
    case 'fresh':
      return null
    case 'paused':
      return { text: `${name} is paused; go on with`, command: `sluice resume ${name}` }
    case 'never':
      return running ? null : { text: `${name} was never run; bring it up to date`, command: `sluice run ${name}` }
    case 'late':
      return running
        ? null
        : { text: `${name} is late; bring it up to date, or keep a worker up`, command: `sluice run ${name}` }
    case 'stale':
      return {
        text: `the source of ${name} was not rebuilt in time; rebuild it, then`,
        command: `sluice run ${name}`,
      }
    case 'failed':
      if (lastRun?.error?.code === 'GUARD_EMPTY' || lastRun?.error?.code === 'GUARD_SHRUNK')
        return {
          text: `the guard keeps the old rows of ${name}; if the source is right`,
          command: `sluice run ${name} --force`,
        }
      return lastRun === null
        ? { text: `${name} failed; try again`, command: `sluice run ${name}` }
        : {
            text: `${name} failed${lastRun.error === null ? '' : ` (${lastRun.error.fix})`}; see why`,
            command: `sluice logs ${lastRun.id}`,
          }
  }
}
