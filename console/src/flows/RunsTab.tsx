import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Run } from '../client/model/run.ts'
import { getListRunsQueryKey, listRuns } from '../client/runs.ts'
import { DataTable } from '../frame/DataTable.tsx'
import type { Column } from '../frame/DataTable.tsx'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { Section } from '../frame/PageHeader.tsx'
import { Count, Lasted, Time } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import { outcomeInWords } from '../runs/columns.tsx'
import { askedBy, shortId } from '../runs/words.ts'
import classes from './FlowsPage.module.css'

const columns: readonly Column<Run>[] = [
  {
    id: 'run',
    head: 'Run',
    width: '108px',
    cell: (run) => (
      <Link to="/runs/$run" params={{ run: run.id }} className={classes['name']}>
        {shortId(run.id)}
      </Link>
    ),
  },
  { id: 'state', head: 'State', width: '136px', cell: (run) => <State state={run.state} /> },
  { id: 'operation', head: 'Does', width: '80px', hide: 'phone', cell: (run) => run.operation },
  {
    id: 'trigger',
    head: 'Asked by',
    width: '150px',
    hide: 'tablet',
    cell: (run) => <span title={askedBy(run)}>{askedBy(run)}</span>,
  },
  { id: 'at', head: 'Asked', width: '110px', cell: (run) => <Time at={run.requestedAt} /> },
  {
    id: 'took',
    head: 'Took',
    width: '104px',
    align: 'right',
    hide: 'phone',
    cell: (run) => <Lasted from={run.startedAt} to={run.finishedAt} />,
  },
  {
    id: 'rows',
    head: 'Rows',
    width: '110px',
    align: 'right',
    hide: 'phone',
    cell: (run) => <Count value={run.rows} />,
  },
  {
    id: 'says',
    head: 'What came of it',
    hide: 'tablet',
    cell: (run) => <span title={run.error?.why}>{outcomeInWords(run)}</span>,
  },
]

const idOf = (run: Run): string => run.id

export function RunsTab({ flow }: { readonly flow: string }) {
  const params = { flow, limit: 100 }
  const runs = useInfiniteQuery({
    queryKey: [...getListRunsQueryKey(params), 'pages'],
    queryFn: ({ pageParam, signal }) =>
      listRuns({ ...params, ...(pageParam === null ? {} : { cursor: pageParam }) }, { signal }),
    initialPageParam: null as string | null, // the first page has none
    getNextPageParam: (page) => page.next,
  })
  if (runs.isPending) return <Loading />
  if (runs.isError) return <ErrorPanel error={runs.error} retry={() => void runs.refetch()} />
  const rows = runs.data.pages.flatMap((page) => page.items)
  return (
    <Section
      title="Runs"
      flush
      aside={
        <Link to="/runs" search={{ flow }}>
          With filters
        </Link>
      }
    >
      <DataTable
        label={`Runs of ${flow}`}
        columns={columns}
        rows={rows}
        rowKey={idOf}
        total={runs.data.pages[0]?.total}
        onMore={runs.hasNextPage ? () => void runs.fetchNextPage() : undefined}
        loadingMore={runs.isFetchingNextPage}
        empty={
          <Empty title="It has not run yet" command={`sluice run ${flow}`}>
            A run brings its slices up to date; the button above asks for one.
          </Empty>
        }
      />
    </Section>
  )
}
