/** Where the time of a run went: waiting apart from working, each phase with its rows, bytes and pace. */
import { Text } from '@mantine/core'
import type { RunDetail } from '../client/model/runDetail.ts'
import { useNow } from '../frame/clock.ts'
import { duration } from '../frame/moment.ts'
import { bytes, compact, count } from '../frame/number.ts'
import { Section } from '../frame/PageHeader.tsx'
import { None } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import type { Progress } from './follow.ts'
import { type Stretch, timelineOf } from './timeline.ts'
import classes from './Timeline.module.css'

interface PhaseRow {
  readonly key: string
  readonly attempt: number
  readonly name: string
  readonly rows: number
  readonly rowsExpected: number | null
  readonly bytes: number
  readonly seconds: number
  readonly open: boolean
}

/** Every phase of every attempt; of the running one what the stream says last. */
function phaseRows(run: RunDetail, progress: Progress | null, now: number): readonly PhaseRow[] {
  return run.attempts.flatMap((attempt) => {
    const ended = attempt.phases.map((phase, index) => ({
      ...phase,
      key: `${attempt.n} ${index}`,
      attempt: attempt.n,
      open: false,
    }))
    const live = progress?.attempt === attempt.n ? progress.phase : attempt.phase
    if (attempt.finishedAt !== null || live === null) return ended
    const before = ended.reduce((sum, { seconds }) => sum + seconds, 0)
    const seconds = Math.max(0, (now - Date.parse(attempt.startedAt)) / 1_000 - before)
    return [...ended, { ...live, key: `${attempt.n} now`, attempt: attempt.n, seconds, open: true }]
  })
}

const hueOf = (name: string, names: readonly string[]): number => names.indexOf(name) % 6

export function Timeline({ run, progress }: { readonly run: RunDetail; readonly progress: Progress | null }) {
  const now = useNow(1_000).getTime()
  const { stretches, total, waited } = timelineOf(run, now)
  const rows = phaseRows(run, progress, now)
  const names = [...new Set(stretches.filter(({ tag }) => tag === 'phase').map(({ name }) => name))]
  const between = stretches.reduce((sum, { tag, from, to }) => sum + (tag === 'other' ? to - from : 0), 0)
  return (
    <Section
      title="Where the time went"
      flush
      aside={
        <Text size="xs" c="dimmed">
          {[
            ...(waited > 0 ? ['dashed: waiting'] : []),
            ...(progress === null || progress.etaMs === null ? [] : [`about ${duration(progress.etaMs)} left`]),
          ].join(' · ')}
        </Text>
      }
    >
      <Bar stretches={stretches} total={total} names={names} />
      {rows.length > 0 && (
        <div className={classes['scroll']} role="region" aria-label="Phases" tabIndex={0}>
          <table className={classes['table']} aria-label="Phases">
            <thead>
              <tr>
                <th scope="col">Phase</th>
                <th scope="col">Time</th>
                <th scope="col">Rows</th>
                <th scope="col">Bytes</th>
                <th scope="col">Pace</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.key}>
                  <th scope="row">
                    <span className={classes['swatch']} data-hue={hueOf(row.name, names)} aria-hidden />
                    {row.name}
                    {run.attempts.length > 1 && <span className={classes['quiet']}> attempt {row.attempt}</span>}
                    {row.open && <State state="running" />}
                  </th>
                  <td>{duration(row.seconds * 1_000)}</td>
                  <td>
                    {row.rows === 0 && row.rowsExpected === null ? <None says="no rows" /> : count(row.rows)}
                    {row.rowsExpected !== null && row.rowsExpected !== row.rows && (
                      <span className={classes['quiet']}> of {count(row.rowsExpected)}</span>
                    )}
                  </td>
                  <td>{row.bytes === 0 ? <None says="no bytes" /> : bytes(row.bytes)}</td>
                  <td>
                    {row.rows === 0 || row.seconds < 0.001 ? (
                      <None says="no pace" />
                    ) : (
                      `${compact(row.rows / row.seconds)} rows/s`
                    )}
                  </td>
                </tr>
              ))}
              {between > 0 && (
                <tr>
                  <th scope="row">
                    <span className={classes['swatch']} data-tag="other" aria-hidden />
                    between the phases
                  </th>
                  <td>{duration(between)}</td>
                  <td>
                    <None says="no rows" />
                  </td>
                  <td>
                    <None says="no bytes" />
                  </td>
                  <td>
                    <None says="no pace" />
                  </td>
                </tr>
              )}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  )
}

function Bar({
  stretches,
  total,
  names,
}: {
  readonly stretches: readonly Stretch[]
  readonly total: number
  readonly names: readonly string[]
}) {
  if (total <= 0) return null
  return (
    <div className={classes['bar']} role="img" aria-label={stretches.map(says).join(', ')}>
      {stretches.map((stretch) => (
        <span
          key={`${stretch.from} ${stretch.name}`}
          className={classes['stretch']}
          data-tag={stretch.tag}
          data-hue={stretch.tag === 'phase' ? hueOf(stretch.name, names) : undefined}
          data-open={stretch.open || undefined}
          style={{ flexGrow: Math.max(1, stretch.to - stretch.from) }}
          title={says(stretch)}
        />
      ))}
    </div>
  )
}

function says({ tag, name, attempt, from, to }: Stretch): string {
  const took = duration(to - from)
  return tag === 'wait' ? `waited ${took} ${name}` : `${name} ${took}${attempt === null ? '' : ` (attempt ${attempt})`}`
}
