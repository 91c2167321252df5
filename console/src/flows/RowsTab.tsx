import { Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useGetFlowHistory } from '../client/flows.ts'
import type { HistoryPoint } from '../client/model/historyPoint.ts'
import { Chart } from '../frame/Chart.tsx'
import type { Series } from '../frame/Chart.tsx'
import { DataTable } from '../frame/DataTable.tsx'
import type { Column } from '../frame/DataTable.tsx'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { duration } from '../frame/moment.ts'
import { count } from '../frame/number.ts'
import { Section } from '../frame/PageHeader.tsx'
import { Count, None, Time } from '../frame/shown.tsx'
import classes from './FlowsPage.module.css'

const columns: readonly Column<HistoryPoint>[] = [
  {
    id: 'at',
    head: 'Published',
    cell: (point) => (
      <Link to="/runs/$run" params={{ run: point.run }} className={classes['name']}>
        <Time at={point.at} show="both" />
      </Link>
    ),
  },
  { id: 'rows', head: 'Rows', width: '16%', align: 'right', cell: (point) => <Count value={point.rows} /> },
  ...(['inserted', 'changed', 'deleted', 'unchanged'] as const).map((what): Column<HistoryPoint> => ({
    id: what,
    head: `${what.charAt(0).toUpperCase()}${what.slice(1)}`,
    width: '14%',
    align: 'right',
    hide: 'phone',
    cell: (point) => <Count value={point.changes?.[what]} />,
  })),
  {
    id: 'took',
    head: 'Took',
    width: '100px',
    align: 'right',
    hide: 'phone',
    cell: (point) => (point.seconds === null ? <None says="not known" /> : duration(point.seconds * 1_000)),
  },
]

const perClick = 30

const runOf = (point: HistoryPoint): string => point.run
const seconds = (value: number): string => duration(value * 1_000)

export function RowsTab({ flow }: { readonly flow: string }) {
  const history = useGetFlowHistory(flow, { limit: 500 })
  const points = history.data?.items
  const [shown, setShown] = useState(perClick)
  const drawn = useMemo(() => {
    const items = points ?? []
    const series = (
      label: string,
      colour: string,
      of: (point: HistoryPoint) => number | null,
      kind?: 'bars',
    ): Series => ({
      label,
      colour,
      values: items.map(of),
      ...(kind === undefined ? {} : { kind }),
    })
    return {
      at: items.map((point) => Date.parse(point.at)),
      rows: [series('Rows', '--sluice-running', (point) => point.rows)],
      changes: [
        series('Inserted', '--sluice-fresh', (point) => point.changes?.inserted ?? null, 'bars'),
        series('Changed', '--sluice-stale', (point) => point.changes?.changed ?? null, 'bars'),
        series('Deleted', '--sluice-failed', (point) => point.changes?.deleted ?? null, 'bars'),
      ],
      changed: items.reduce(
        (sum, { changes }) => sum + (changes === null ? 0 : changes.inserted + changes.changed + changes.deleted),
        0,
      ),
      took: [series('Took', '--sluice-paused', (point) => point.seconds)],
    }
  }, [points])
  const newestFirst = useMemo(() => [...(points ?? [])].reverse(), [points])
  if (history.isPending) return <Loading />
  if (history.isError) return <ErrorPanel error={history.error} retry={() => void history.refetch()} />
  const last = newestFirst[0]
  if (last === undefined)
    return (
      <Empty title="Nothing was published yet" command={`sluice run ${flow}`}>
        After the first run its rows are shown here, and what each run changed.
      </Empty>
    )
  const rowsNow = last.rows === null ? 'not known' : count(last.rows)
  return (
    <>
      <Section title="Rows" aside={<Text size="sm">now {rowsNow}</Text>}>
        <Chart label={`Rows after each run; now ${rowsNow}`} at={drawn.at} series={drawn.rows} fromZero={false} />
      </Section>
      <Section title="What each run changed">
        {drawn.changed === 0 ? (
          <Text size="sm" c="dimmed">
            None of these runs changed a row.
          </Text>
        ) : (
          <Chart
            label={`Rows inserted, changed and deleted by each run; by the last ${last.changes === null ? 'not known' : `${last.changes.inserted}, ${last.changes.changed} and ${last.changes.deleted}`}`}
            at={drawn.at}
            series={drawn.changes}
          />
        )}
      </Section>
      <Section title="How long each run took">
        <Chart
          label="Seconds from the first attempt to the end"
          at={drawn.at}
          series={drawn.took}
          height={130}
          shows={seconds}
        />
      </Section>
      <Section title="Publications" flush>
        <DataTable
          label="Publications"
          columns={columns}
          rows={newestFirst.slice(0, shown)}
          total={newestFirst.length}
          onMore={shown < newestFirst.length ? () => setShown(shown + perClick) : undefined}
          rowKey={runOf}
          empty={null}
        />
      </Section>
    </>
  )
}
