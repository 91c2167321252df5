/** The columns of a list of runs. */
import { Text } from '@mantine/core'
import type { Run } from '../client/model/run.ts'
import type { Column } from '../frame/DataTable.tsx'
import { PageLink } from '../frame/PageLink.tsx'
import { duration } from '../frame/moment.ts'
import { count } from '../frame/number.ts'
import { Count, Lasted, None, Time } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import { askedBy, shortId } from './words.ts'

/** What there is to say in a line: the error, the reason, how far it is, what it changed. */
export function outcomeInWords(run: Run): string | null {
  if (run.error !== null) return `${run.error.code}: ${run.error.summary}`
  if (run.reason !== null) return run.reason
  if (run.outcome === null && run.phase !== null) {
    const { name, rows, rowsExpected } = run.phase
    const share =
      rowsExpected === null || rowsExpected === 0 ? '' : `, ${Math.min(100, Math.floor((100 * rows) / rowsExpected))} %`
    return `${name}: ${count(rows)} rows${share}`
  }
  if (run.changes === null) return null
  const { inserted, changed, deleted } = run.changes
  if (inserted + changed + deleted === 0) return 'nothing changed'
  return `+${count(inserted)} ~${count(changed)} −${count(deleted)}`
}

/** Milliseconds of a number of seconds. */
const ms = (seconds: number): number => seconds * 1_000

export const runColumns: readonly Column<Run>[] = [
  { id: 'state', head: 'State', width: '136px', cell: (run) => <State state={run.state} /> },
  {
    id: 'flow',
    head: 'Flow',
    cell: (run) => (
      <>
        <PageLink to="/flows/$flow" params={{ flow: run.flow }} inherit underline="always">
          {run.flow}
        </PageLink>
        {run.operation !== 'apply' && (
          <Text span inherit c="dimmed">
            {' '}
            · {run.operation}
          </Text>
        )}
      </>
    ),
  },
  {
    id: 'run',
    head: 'Run',
    width: '96px',
    cell: (run) => (
      <>
        <PageLink to="/runs/$run" params={{ run: run.id }} ff="monospace" fz="xs" title={run.id}>
          {shortId(run.id)}
        </PageLink>
        <Text size="xs" lh={1.2} c="dimmed" hiddenFrom="sm">
          <Time at={run.requestedAt} />
        </Text>
      </>
    ),
  },
  {
    id: 'trigger',
    head: 'Asked by',
    width: '112px',
    hide: 'tablet',
    cell: (run) => <span title={askedBy(run)}>{askedBy(run)}</span>,
  },
  { id: 'requested', head: 'Requested', width: '100px', hide: 'phone', cell: (run) => <Time at={run.requestedAt} /> },
  {
    id: 'waited',
    head: 'Waited',
    width: '80px',
    align: 'right',
    hide: 'tablet',
    cell: (run) =>
      run.waitSeconds === null ? (
        run.finishedAt === null ? (
          <Lasted from={run.requestedAt} to={null} />
        ) : (
          <None says="never began" />
        )
      ) : (
        duration(ms(run.waitSeconds))
      ),
  },
  {
    id: 'worked',
    head: 'Worked',
    width: '84px',
    align: 'right',
    hide: 'phone',
    cell: (run) =>
      run.workSeconds === null ? (
        run.startedAt === null || run.finishedAt !== null ? (
          <None says="did not work" />
        ) : (
          <Lasted from={run.startedAt} to={null} />
        )
      ) : (
        duration(ms(run.workSeconds))
      ),
  },
  {
    id: 'rows',
    head: 'Rows',
    width: '96px',
    align: 'right',
    hide: 'phone',
    cell: (run) => <Count value={run.rows} />,
  },
  {
    id: 'words',
    head: 'What came of it',
    width: '25%',
    hide: 'tablet',
    cell: (run) => {
      const words = outcomeInWords(run)
      return words === null ? (
        <None says="nothing to say" />
      ) : (
        <Text span inherit title={words} {...(run.error === null ? { c: 'dimmed' } : {})}>
          {words}
        </Text>
      )
    },
  },
]
