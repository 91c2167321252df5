import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'
import { formatDuration } from '../../lib/duration.ts'
import { SluiceError } from '../../lib/error.ts'
import type { Sluice } from '../../sluice.ts'
import { formatRelative } from '../format.ts'
import { act, type ExitCode, type Invocation } from '../invocation.ts'
import { performRuns } from '../perform.ts'
import { formatEnd } from '../progress.ts'
import { sayStores } from '../stores.ts'
import { formatTable } from '../table.ts'
import { describeSchedule } from '../../lib/schedule-words.ts'
import { Served } from '../served.ts'
import { printStatus } from './status.ts'

type Role = 'api' | 'worker' | 'scheduler'

interface UpOptions {
  readonly only: readonly Role[]
  readonly once?: boolean
  readonly due?: boolean
  readonly demo?: boolean
}

export function upCommand(): Command {
  return new Command('up')
    .description('API, console, worker and scheduler in one process, until Ctrl-C')
    .option('--only <roles>', 'api, worker, scheduler, or several of them: splits them over machines', roles, known)
    .option('--once', 'bring every flow up to date first; without a terminal, end then')
    .option('--due', 'do what is due now and end: for cron, see `sluice schedule install cron`')
    .option('--demo', 'as --once, with the three million flights of examples/flights')
    .addHelpText(
      'after',
      `
Ctrl-C waits for what runs, at most ${formatDuration(drainLimit)}; a second Ctrl-C does not.

Examples:
  $ sluice up
  $ sluice up --only api,scheduler`,
    )
    .action(act(up))
}

const known: readonly Role[] = ['api', 'worker', 'scheduler']

function roles(text: string): readonly Role[] {
  const given = text.split(',').map((part) => part.trim())
  const fitting = known.filter((role) => given.includes(role))
  if (fitting.length !== given.length)
    throw new InvalidArgumentError(`Roles are ${known.join(', ')}, separated by commas.`)
  return fitting
}

const drainLimit = 60_000

async function up(called: Invocation, options: UpOptions): Promise<ExitCode> {
  const invocation = options.demo === true ? inDemo(called) : called
  const { out, interrupts } = invocation
  if (options.demo === true || options.once === true) {
    const stays = process.stdin.isTTY === true && process.stdout.isTTY === true
    await using served = new Served(options.only.includes('api') && stays, options.demo === true)
    const performed = await performRuns(invocation, [], { signal: interrupts.signal }, (sluice) =>
      served.start(sluice, out),
    )
    sayStores(performed.sluice, out)
    const found = await printStatus(performed.sluice, out)
    const good = performed.runs.every(({ outcome }) => outcome === 'succeeded' || outcome === 'skipped')
    if (!stays || interrupts.signal.aborted) return good && performed.left.length === 0 && found === 0 ? 0 : 1
    return await stay(invocation, performed.sluice, options.only)
  }
  const sluice = await invocation.open()
  sayStores(sluice, out)
  if (options.due === true) return doWhatIsDue(invocation, sluice)
  await using served = new Served(options.only.includes('api'), false)
  await served.start(sluice, out)
  return await stay(invocation, sluice, options.only)
}

/** The same call in the folder of the demo, unless it names another. */
function inDemo(invocation: Invocation): Invocation {
  if (invocation.global.directory !== undefined || invocation.global.config !== undefined) return invocation
  const directory = fileURLToPath(new URL('../../../examples/flights/', import.meta.url))
  if (!existsSync(directory)) {
    throw new SluiceError('USAGE', 'The demo is not here', {
      why: 'it is part of the repository, not of the package',
      fix: 'clone the repository and call `npm ci && npm run demo`, or start with `sluice init`',
    })
  }
  return { ...invocation, directory, open: (options) => invocation.open({ ...options, directory }) }
}

/** Serves until it is told to stop. */
async function stay({ out, interrupts }: Invocation, sluice: Sluice, only: readonly Role[]): Promise<ExitCode> {
  const { signal } = interrupts
  const service = await sluice.engine.start(only)
  try {
    await sayAgenda(sluice, out)
    out.say(`${only.join(', ')} of ${sluice.project}: up; Ctrl-C ends it`)
    const seen = new Map<string, string | null>()
    for (const run of await sluice.engine.runs({ limit: 50 })) seen.set(run.id, run.outcome)
    while (!signal.aborted) {
      await sleep(2_000, undefined, { signal }).catch(() => undefined)
      for (const run of (await sluice.engine.runs({ limit: 50 })).toReversed()) {
        if (seen.get(run.id) === run.outcome) continue
        seen.set(run.id, run.outcome)
        if (out.json) out.line({ run })
        else out.text(`${new Date().toISOString()} ${run.flow}: ${run.operation}: ${formatEnd(run)}`)
      }
    }
  } finally {
    await service.stop(drainLimit)
  }
  out.say('stopped; nothing is left behind')
  return 0
}

/** Each flow's schedule and when it is due next. */
async function sayAgenda(sluice: Sluice, out: Invocation['out']): Promise<void> {
  const now = new Date()
  const rows = await Promise.all(
    sluice.flows.map(async ({ name, timing }) => {
      const [next] = timing.schedule === null ? [] : await sluice.engine.next(name, 1)
      return [name, describeSchedule(timing.schedule), next === undefined ? '-' : formatRelative(next, now)]
    }),
  )
  out.say(formatTable([{ title: 'FLOW' }, { title: 'SCHEDULE' }, { title: 'NEXT' }], rows))
}

/** How long a scheduler and a worker may need to find out that nothing is due. */
const settle = 3_000

async function doWhatIsDue({ out, interrupts }: Invocation, sluice: Sluice): Promise<ExitCode> {
  const { signal } = interrupts
  const before = new Set(
    (await sluice.engine.runs({ limit: 200 })).flatMap(({ id, outcome }) => (outcome === null ? [] : [id])),
  )
  const service = await sluice.engine.start(['scheduler', 'worker'])
  try {
    const since = performance.now()
    for (let idle = 0; idle < 2 && !signal.aborted;) {
      await sleep(500, undefined, { signal }).catch(() => undefined)
      const open = (await sluice.engine.runs({ limit: 200 })).some(({ outcome }) => outcome === null)
      const waiting = (await sluice.engine.occurrences({ limit: 200 })).some(({ state }) => state === 'waiting')
      idle = open || waiting || performance.now() - since < settle ? 0 : idle + 1
    }
  } finally {
    await service.stop(drainLimit)
  }
  const done = (await sluice.engine.runs({ limit: 200 })).filter(
    ({ id, outcome }) => outcome !== null && !before.has(id),
  )
  if (out.json) out.document({ runs: done })
  else for (const run of done) out.text(`${run.flow}: ${formatEnd(run)}`)
  return done.some(({ outcome }) => outcome === 'failed') ? 1 : 0
}
