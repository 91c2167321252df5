import type { Engine, FlowStatus } from '../runs/engine.ts'

export interface Recommendation {
  readonly flow: string
  readonly text: string
  readonly command: string
  readonly remedy: Remedy
}

/** What the command does: bring up to date, the same in spite of the guard, go on, show why, start what does the work. */
export type Remedy = 'run' | 'force' | 'resume' | 'look' | 'start'

/** What lives in the project, as far as advice depends on it. */
export interface Surroundings {
  readonly alive: Awaited<ReturnType<Engine['alive']>>
  readonly outdated: Awaited<ReturnType<Engine['outdated']>>
}

/** What to do next about each flow that is not as it should be. Pure. */
export function recommendationsOf(
  flows: readonly FlowStatus[],
  { alive, outdated }: Surroundings,
): readonly Recommendation[] {
  return flows.flatMap((flow) => {
    const holder = outdated.find((one) => one.flow === flow.name)
    const found =
      holder === undefined || flow.state === 'paused'
        ? recommend(flow, alive)
        : {
            text: `${flow.name} was defined anew, and process ${holder.pid} on ${holder.host} does none of its runs; stop it and start`,
            command: 'sluice up',
            remedy: 'start' as const,
          }
    return found === null ? [] : [{ flow: flow.name, ...found }]
  })
}

function recommend(
  { name, state, running, dueAt, lastRun }: FlowStatus,
  alive: Surroundings['alive'],
): Omit<Recommendation, 'flow'> | null {
  const unkept = whyUnkept(alive)
  switch (state) {
    case 'fresh':
      return null
    case 'paused':
      return { text: `${name} is paused; go on with`, command: `sluice resume ${name}`, remedy: 'resume' }
    case 'never':
      if (running) return null
      return {
        text: `${name} was never run${unkept === null || dueAt === null ? '' : `, and ${unkept} until \`sluice up\``}; bring it up to date`,
        command: `sluice run ${name}`,
        remedy: 'run',
      }
    case 'late':
      if (running) return null
      return unkept === null
        ? {
            text: `${name} is late although its schedule is kept; bring it up to date`,
            command: `sluice run ${name}`,
            remedy: 'run',
          }
        : {
            text: `${name} is late, and ${unkept}; \`sluice run ${name}\` does it once, for good`,
            command: 'sluice up',
            remedy: 'start',
          }
    case 'stale':
      return {
        text: `the source of ${name} was not rebuilt in time; rebuild it, then`,
        command: `sluice run ${name}`,
        remedy: 'run',
      }
    case 'failed':
      if (lastRun?.error?.code === 'GUARD_EMPTY' || lastRun?.error?.code === 'GUARD_SHRUNK')
        return {
          text: `the guard keeps the old rows of ${name}; if the source is right`,
          command: `sluice run ${name} --force`,
          remedy: 'force',
        }
      return lastRun === null
        ? { text: `${name} failed; try again`, command: `sluice run ${name}`, remedy: 'run' }
        : {
            text: `${name} failed${lastRun.error === null ? '' : ` (${lastRun.error.fix})`}; see why`,
            command: `sluice logs ${lastRun.id}`,
            remedy: 'look',
          }
  }
}

/** Why nobody will do what schedules say, or null. */
function whyUnkept({ scheduler, worker }: Surroundings['alive']): string | null {
  if (!scheduler) return 'nothing keeps its schedule'
  return worker ? null : 'no worker does what is due'
}
