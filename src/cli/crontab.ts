import { nextDue, type Schedule } from '../lib/schedule.ts'

/** So many due times of a cron pattern are looked at, from now and from half a year on: a zone may shift by half an hour. */
const looked = 100
const halfYear = 182 * 86_400_000

/**
 * How often cron has to look so that every due time is met to the minute: the largest step of minutes that hits all of them.
 * Due times within a minute cannot be met; then it is every minute. Pure.
 */
export function minuteStep(schedules: readonly Schedule[], now: Date): number {
  let step = 60
  for (const schedule of schedules) {
    if (schedule.tag === 'every') {
      if (schedule.every % 60_000 !== 0 || schedule.offset % 60_000 !== 0) return 1
      step = divisor(divisor(step, schedule.every / 60_000), schedule.offset / 60_000)
    } else {
      const due = [now, new Date(now.getTime() + halfYear)].flatMap((from) => nextDue(schedule, from, looked))
      if (due.some((at) => at.getTime() % 60_000 !== 0)) return 1
      for (const at of due) step = divisor(step, at.getUTCMinutes())
    }
  }
  return step
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}

export interface CronEntry {
  readonly project: string
  readonly directory: string
  readonly step: number
  /** The command line as words; quoted here. */
  readonly command: readonly string[]
  readonly log: string
}

const begin = (project: string): string => `# sluice begin ${project}`
const end = (project: string): string => `# sluice end ${project}`

/** The marked lines of one project. Pure. */
export function cronLines({ project, directory, step, command, log }: CronEntry): readonly string[] {
  const minutes = step === 60 ? '0' : step === 1 ? '*' : `*/${step}`
  const call = `cd ${quote(directory)} && ${command.map(quote).join(' ')} >> ${quote(log)} 2>&1`
  // A percent sign ends a crontab's command.
  return [begin(project), `${minutes} * * * * ${call.replaceAll('%', '\\%')}`, end(project)]
}

/** A crontab with the project's own lines replaced (or, with none, removed); every other line stays as it is. Pure. */
export function withLines(crontab: string, project: string, lines: readonly string[]): string {
  const kept: string[] = []
  let own = false
  const all = crontab === '' ? [] : crontab.replace(/\n$/, '').split('\n')
  for (const [at, line] of all.entries()) {
    // A begin without its end is not ours to interpret: only that line goes.
    if (line === begin(project)) {
      own = all.indexOf(end(project), at) > 0
      continue
    }
    if (own && line === end(project)) {
      own = false
      continue
    }
    if (!own) kept.push(line)
  }
  const written = [...kept, ...lines]
  return written.length === 0 ? '' : `${written.join('\n')}\n`
}

/** One word for `sh`. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
