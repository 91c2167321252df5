/** What is wrong with the processes of a project, and the command that mends it. Pure. */
interface Process {
  readonly alive: boolean
  readonly host: string
  readonly pid: number
  readonly roles: readonly string[]
  readonly outdated: readonly string[]
}

export interface Fault {
  readonly title: string
  readonly says: string
  readonly command: string
}

export function faultsOf(
  alive: { readonly scheduler: boolean; readonly worker: boolean },
  waiting: number,
  processes: readonly Process[],
): readonly Fault[] {
  const outdated = processes.filter((each) => each.alive && each.outdated.length > 0)
  return [
    ...(alive.worker
      ? []
      : [
          {
            title: 'No worker lives',
            says:
              waiting === 0
                ? 'Runs that are asked for here are recorded, and wait until there is one.'
                : `${waiting === 1 ? 'One run waits' : `${waiting} runs wait`} for one.`,
            command: 'sluice up --only worker',
          },
        ]),
    ...(alive.scheduler
      ? []
      : [
          {
            title: 'No scheduler lives',
            says: 'What is due by its schedule is not begun; once there is one, it catches up as each flow says.',
            command: 'sluice up --only scheduler',
          },
        ]),
    ...outdated.map(({ host, pid, outdated: flows }) => ({
      title: `${host} (pid ${pid}) was started with another definition`,
      says: `It leaves ${flows.join(', ')} to others. Restart it with the config of now.`,
      command: 'sluice up',
    })),
  ]
}
