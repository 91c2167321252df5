import { Command } from 'commander'
import { formatDuration } from '../../lib/duration.ts'
import { chosenFlows } from '../flows.ts'
import { formatInstant, formatRelative } from '../format.ts'
import { act, type ExitCode, type Invocation } from '../invocation.ts'
import { describeSchedule } from '../../lib/schedule-words.ts'
import { formatTable } from '../table.ts'
import { wholeNumber } from './runs.ts'
import { installCommand } from './schedule-install.ts'

export function scheduleCommand(): Command {
  const schedule = new Command('schedule').description('when flows are due').addHelpText(
    'after',
    `
Examples:
  $ sluice schedule list
  $ sluice schedule install cron --print`,
  )
  schedule
    .command('list')
    .description('each flow with its schedule and its next due time')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice schedule list
  $ sluice schedule list --json`,
    )
    .action(act(list))
  schedule
    .command('next')
    .description('the next due times')
    .argument('[flows...]', 'only of these; default: all')
    .option('-n, --count <count>', 'so many of each', wholeNumber, 5)
    .addHelpText(
      'after',
      `
Examples:
  $ sluice schedule next
  $ sluice schedule next teacher_data --count 12`,
    )
    .action(act(next))
  schedule.addCommand(installCommand())
  return schedule
}

async function list(invocation: Invocation): Promise<ExitCode> {
  const { out } = invocation
  const sluice = await invocation.open()
  const now = new Date()
  const found = await Promise.all(
    sluice.flows.map(async ({ name, timing }) => {
      const [due] = timing.schedule === null ? [] : await sluice.engine.next(name, 1)
      const { schedule, catchUp, overlap, late, after } = timing
      return { flow: name, schedule, next: due ?? null, catchUp, overlap, late, after }
    }),
  )
  if (out.json) out.document({ schedules: found })
  else
    out.text(
      formatTable(
        ['FLOW', 'SCHEDULE', 'NEXT', 'CATCH UP', 'OVERLAP', 'LATE AFTER', 'AFTER'].map((title) => ({ title })),
        found.map((one) => [
          one.flow,
          describeSchedule(one.schedule),
          formatRelative(one.next, now),
          one.catchUp,
          one.overlap,
          formatDuration(one.late),
          one.after.join(', '),
        ]),
      ),
    )
  return 0
}

async function next(
  invocation: Invocation,
  named: readonly string[],
  { count }: { readonly count: number },
): Promise<ExitCode> {
  const { out } = invocation
  const sluice = await invocation.open()
  const names = chosenFlows(
    sluice.flows.map((flow) => flow.name),
    named,
  )
  const due: { flow: string; dueAt: Date }[] = []
  for (const { name, timing } of sluice.flows) {
    if (!names.includes(name) || timing.schedule === null) continue
    for (const dueAt of await sluice.engine.next(name, count)) due.push({ flow: name, dueAt })
  }
  due.sort((a, b) => a.dueAt.getTime() - b.dueAt.getTime())
  const now = new Date()
  if (out.json) out.document({ due })
  else if (due.length === 0) out.text('Nothing is scheduled.')
  else
    out.text(
      formatTable(
        [{ title: 'DUE' }, { title: 'IN' }, { title: 'FLOW' }],
        due.map(({ flow, dueAt }) => [formatInstant(dueAt), formatRelative(dueAt, now), flow]),
      ),
    )
  return 0
}
