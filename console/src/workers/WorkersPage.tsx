import { Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useListWorkers } from '../client/operation.ts'
import type { Worker } from '../client/model/worker.ts'
import { DataTable, type Column } from '../frame/DataTable.tsx'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { count } from '../frame/number.ts'
import { PageHeader, Section } from '../frame/PageHeader.tsx'
import { Lasted, None, Time } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import { Standing } from './Standing.tsx'

function Doing({ worker }: { readonly worker: Worker }) {
  if (worker.doing.length === 0) return <None says="nothing" />
  return (
    <ul style={{ margin: 0, padding: 0, listStyle: 'none' }}>
      {worker.doing.map(({ run, flow, operation, phase, startedAt, attempt }) => (
        <li key={run}>
          <Link to="/runs/$run" params={{ run }}>
            {flow}
          </Link>{' '}
          {operation === 'apply' ? '' : `${operation} `}
          {phase ?? 'begins'}
          {attempt > 1 && `, attempt ${attempt}`}, <Lasted from={startedAt} to={null} />
        </li>
      ))}
    </ul>
  )
}

const columns: readonly Column<Worker>[] = [
  {
    id: 'state',
    head: 'State',
    width: '110px',
    cell: ({ alive, stoppedAt }) => <State state={alive ? 'alive' : stoppedAt === null ? 'gone' : 'stopped'} />,
  },
  {
    id: 'process',
    head: 'Process',
    width: '24%',
    wrap: true,
    cell: (worker) => (
      <>
        {worker.host} <Text span c="dimmed" inherit>{`pid ${worker.pid}`}</Text>
      </>
    ),
  },
  {
    id: 'roles',
    head: 'Roles',
    width: '20%',
    hide: 'phone',
    wrap: true,
    cell: ({ roles }) => roles.map((role) => (role === 'run' ? 'one run' : role)).join(', '),
  },
  { id: 'doing', head: 'Does', wrap: true, cell: (worker) => <Doing worker={worker} /> },
  {
    id: 'flows',
    head: 'Flows',
    width: '110px',
    hide: 'tablet',
    cell: ({ flows, outdated, stores }) =>
      outdated.length > 0 ? (
        <State state="warning" says={`started with another definition of ${outdated.join(', ')}: restart it`} />
      ) : (
        <span title={`holds ${stores.join(', ')}`}>{count(flows.length)}</span>
      ),
  },
  { id: 'version', head: 'Version', width: '90px', hide: 'tablet', cell: ({ version }) => version },
  { id: 'seen', head: 'Seen', width: '100px', hide: 'phone', cell: ({ heartbeatAt }) => <Time at={heartbeatAt} /> },
  {
    id: 'since',
    head: 'Up for',
    width: '110px',
    hide: 'tablet',
    cell: ({ startedAt, stoppedAt, heartbeatAt, alive }) => (
      <Lasted from={startedAt} to={alive ? null : (stoppedAt ?? heartbeatAt)} />
    ),
  },
]

export function WorkersPage() {
  const query = useListWorkers()
  const workers = query.data
  return (
    <>
      <PageHeader
        title="Workers"
        about="The processes of this project: any number of them, on any number of machines. One that dies is noticed within 30 s, and another goes on."
      />
      {query.error !== null ? (
        <ErrorPanel error={query.error} retry={() => void query.refetch()} />
      ) : workers === undefined ? (
        <Loading />
      ) : (
        <>
          <Standing workers={workers} />
          <Section title="Processes" flush>
            <DataTable
              label="Processes"
              columns={columns}
              rows={workers.items}
              rowKey={({ id }) => id}
              empty={
                <Empty title="No process works for this project" command="sluice up">
                  Runs that are asked for are recorded, and wait until one does.
                </Empty>
              }
            />
          </Section>
        </>
      )}
    </>
  )
}
