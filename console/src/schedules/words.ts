/** What a schedule says, in words. Pure. */
import type { DueTime } from '../client/model/dueTime.ts'
import type { Schedule } from '../client/model/schedule.ts'
import { duration } from '../frame/moment.ts'

const catchUpWords = {
  skip: 'Due times that passed unattended are skipped.',
  latest: 'Of due times that passed unattended, only the latest is run.',
  all: 'Every due time that passed unattended is run, oldest first.',
} as const satisfies Readonly<Record<Schedule['catchUp'], string>>

const overlapWords = {
  wait: 'A due time waits while the flow still runs.',
  skip: 'A due time is skipped while the flow still runs.',
  cancel: 'A due time cancels the run that still goes on.',
} as const satisfies Readonly<Record<Schedule['overlap'], string>>

export interface Policy {
  readonly name: string
  readonly value: string
  readonly says: string
}

export function policiesOf(
  schedule: Pick<Schedule, 'catchUp' | 'overlap' | 'late' | 'maxAge' | 'after'>,
): readonly Policy[] {
  const { catchUp, overlap, late, maxAge, after } = schedule
  return [
    { name: 'Catch-up', value: catchUp, says: catchUpWords[catchUp] },
    { name: 'Overlap', value: overlap, says: overlapWords[overlap] },
    { name: 'Late', value: duration(late), says: `Late when it is not done ${duration(late)} after its due time.` },
    ...(maxAge === null
      ? []
      : [{ name: 'Oldest', value: duration(maxAge), says: `Due times older than ${duration(maxAge)} are skipped.` }]),
    ...(after.length === 0
      ? []
      : [{ name: 'After', value: after.join(', '), says: 'A due time waits for these to be done.' }]),
  ]
}

/** What daylight saving does to a due time; null: nothing. `local` is without an offset: `2026-03-29T03:00:00`. */
export function oddityInWords({ oddity, local, wanted }: Pick<DueTime, 'oddity' | 'local' | 'wanted'>): string | null {
  switch (oddity) {
    case null:
      return null
    case 'skipped':
      return `no clock shows ${clock(wanted)} that day; runs at ${clock(local)}`
    case 'repeated':
      return `clocks show ${clock(local)} twice that day; runs the first time`
  }
}

/** `Sun 2026-03-29 03:00`, with seconds where there are any. */
export function localInWords(local: string): string {
  const at = new Date(`${local}Z`)
  const day = Number.isNaN(at.getTime()) ? '' : `${['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][at.getUTCDay()]} `
  return `${day}${local.slice(0, 10)} ${clock(local)}`
}

const clock = (local: string): string => local.slice(11).replace(/:00(\.000)?$/, '')
