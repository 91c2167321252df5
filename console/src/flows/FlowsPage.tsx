import { Button, Group, TextInput } from '@mantine/core'
import { IconPlayerPause, IconPlayerPlay, IconPlayerTrackNext, IconSearch } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import type { ReactNode } from 'react'
import type { Flow } from '../client/model/flow.ts'
import { CellLink, flowPath, runPath } from '../frame/CellLink.tsx'
import { DataTable } from '../frame/DataTable.tsx'
import type { Column } from '../frame/DataTable.tsx'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { PageHeader, Section } from '../frame/PageHeader.tsx'
import { listOf } from '../frame/search.ts'
import { useMay } from '../frame/session.ts'
import { Age, Count, None, Time } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import { askPause, useActs } from './acts.ts'
import { useAllFlows } from './all.ts'
import { countStates, filterFlows, kindsOf, urgency } from './filter.ts'
import classes from './FlowsPage.module.css'
import { flowStates } from './words.ts'

const route = getRouteApi('/inside/flows')

const time = (at: string | null): number | null => (at === null ? null : Date.parse(at))

const columns: readonly Column<Flow>[] = [
  {
    id: 'name',
    head: 'Flow',
    by: (flow) => flow.name.toLowerCase(),
    cell: (flow) => (
      <CellLink to={flowPath(flow.name)} className={classes['name']} title={flow.name}>
        {flow.name}
      </CellLink>
    ),
  },
  { id: 'kind', head: 'Kind', width: '92px', hide: 'tablet', by: (flow) => flow.kind, cell: (flow) => flow.kind },
  {
    id: 'state',
    head: 'State',
    width: '106px',
    by: (flow) => urgency(flow.state),
    cell: (flow) => <State state={flow.state} says={flow.why ?? undefined} />,
  },
  {
    id: 'running',
    head: 'Running',
    width: '104px',
    hide: 'phone',
    by: (flow) => (flow.running ? 0 : 1),
    cell: (flow) => (flow.running ? <State state="running" /> : <None says="not running" />),
  },
  {
    id: 'rows',
    head: 'Rows',
    width: '118px',
    align: 'right',
    hide: 'phone',
    by: (flow) => flow.rows,
    cell: (flow) => <Count value={flow.rows} />,
  },
  {
    id: 'age',
    head: 'Age',
    width: '76px',
    align: 'right',
    by: (flow) => (flow.asOf === null ? null : -Date.parse(flow.asOf)),
    cell: (flow) => <Age at={flow.asOf} />,
  },
  {
    id: 'due',
    head: 'Due',
    width: '104px',
    hide: 'phone',
    by: (flow) => time(flow.dueAt),
    cell: (flow) => <Time at={flow.dueAt} />,
  },
  {
    id: 'last',
    head: 'Last run',
    width: '212px',
    hide: 'tablet',
    by: (flow) => time(flow.lastRun?.requestedAt ?? null),
    cell: ({ lastRun }) =>
      lastRun === null ? (
        <None says="no run" />
      ) : (
        <CellLink to={runPath(lastRun.id)} className={classes['last']}>
          <State state={lastRun.state} />
          <Time at={lastRun.finishedAt ?? lastRun.startedAt ?? lastRun.requestedAt} />
        </CellLink>
      ),
  },
  {
    id: 'schedule',
    head: 'Schedule',
    width: '17%',
    hide: 'tablet',
    by: (flow) => flow.schedule,
    cell: (flow) => <span title={flow.schedule}>{flow.schedule}</span>,
  },
]

const nameOf = (flow: Flow): string => flow.name
const nothing: readonly Flow[] = []

export function FlowsPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const flows = useAllFlows()
  const all = flows.data ?? nothing
  const shown = useMemo(() => filterFlows(all, search), [all, search])
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const counts = useMemo(() => countStates(all), [all])
  const kinds = useMemo(() => kindsOf(all), [all])
  const operator = useMay('operator')
  const set = (change: Partial<typeof search>): void =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })

  if (flows.isPending) return <Loading />
  const states = listOf(search.state)
  const kind = listOf(search.kind)
  const filtered = search.q !== undefined || states.length > 0 || kind.length > 0
  return (
    <>
      <PageHeader
        title="Flows"
        about={`${shown.length === all.length ? all.length : `${shown.length} of ${all.length}`} flows`}
      />
      {flows.isError && <ErrorPanel error={flows.error} retry={() => void flows.refetch()} />}
      <div className={classes['filters']}>
        <TextInput
          type="search"
          aria-label="Find flows"
          placeholder="Name, kind, store or reason"
          leftSection={<IconSearch size={15} aria-hidden />}
          value={search.q ?? ''}
          onChange={(event) => set({ q: event.currentTarget.value === '' ? undefined : event.currentTarget.value })}
          className={classes['find']}
        />
        <div role="group" aria-label="States" className={classes['chips']}>
          {flowStates
            .filter((state) => counts[state] > 0 || states.includes(state))
            .map((state) => (
              <Chip key={state} pressed={states.includes(state)} onClick={() => set({ state: toggled(states, state) })}>
                <State state={state} />
                <span className={classes['number']}>{counts[state]}</span>
              </Chip>
            ))}
        </div>
        {kinds.length > 1 && (
          <div role="group" aria-label="Kinds" className={classes['chips']}>
            {kinds.map((each) => (
              <Chip key={each} pressed={kind.includes(each)} onClick={() => set({ kind: toggled(kind, each) })}>
                {each}
              </Chip>
            ))}
          </div>
        )}
        {filtered && (
          <Button variant="subtle" size="xs" onClick={() => set({ q: undefined, state: undefined, kind: undefined })}>
            Clear
          </Button>
        )}
      </div>
      {operator && chosen.size > 0 && <Bulk chosen={chosen} shown={shown} clear={() => setChosen(new Set())} />}
      <Section title="Flows" flush bare>
        <DataTable
          label="Flows"
          columns={columns}
          rows={shown}
          rowKey={nameOf}
          sort={search.sort}
          onSort={(sort) => set({ sort })}
          {...(operator ? { chosen: { keys: chosen, onChange: setChosen } } : {})}
          empty={
            filtered ? (
              <Empty title="No flow fits">There are {all.length} flows; none fits what is asked for above.</Empty>
            ) : (
              <Empty title="There is no flow yet" command="sluice init">
                A flow keeps a table true. Write one into sluice.config.ts, or make one here.
              </Empty>
            )
          }
        />
      </Section>
    </>
  )
}

/** With `word` in it, or without. */
function toggled(words: readonly string[], word: string): string | undefined {
  const next = words.includes(word) ? words.filter((each) => each !== word) : [...words, word]
  return next.length === 0 ? undefined : next.join(',')
}

function Chip({
  pressed,
  onClick,
  children,
}: {
  readonly pressed: boolean
  readonly onClick: () => void
  readonly children: ReactNode
}) {
  return (
    <button type="button" className={classes['chip']} aria-pressed={pressed} onClick={onClick}>
      {children}
    </button>
  )
}

function Bulk({
  chosen,
  shown,
  clear,
}: {
  readonly chosen: ReadonlySet<string>
  /** What the filter hides is not touched, though it was chosen before. */
  readonly shown: readonly Flow[]
  readonly clear: () => void
}) {
  const acts = useActs()
  const flows = shown.filter((flow) => chosen.has(flow.name))
  const paused = flows.filter((flow) => flow.paused !== null).map(nameOf)
  const going = flows.filter((flow) => flow.paused === null).map(nameOf)
  return (
    <Group gap="xs" mb="sm" role="toolbar" aria-label="Chosen flows">
      <strong>{flows.length} chosen</strong>
      <Button
        size="xs"
        leftSection={<IconPlayerPlay size={14} aria-hidden />}
        disabled={going.length === 0}
        loading={acts.isPending}
        onClick={() => acts.mutate({ flows: going, act: { tag: 'run' } }, { onSuccess: clear })}
      >
        Run {going.length}
      </Button>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconPlayerPause size={14} aria-hidden />}
        disabled={going.length === 0}
        onClick={() => askPause(going, (act) => acts.mutate({ flows: going, act }, { onSuccess: clear }))}
      >
        Pause {going.length}
      </Button>
      {paused.length > 0 && (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlayerTrackNext size={14} aria-hidden />}
          onClick={() => acts.mutate({ flows: paused, act: { tag: 'resume' } }, { onSuccess: clear })}
        >
          Resume {paused.length}
        </Button>
      )}
      <Button size="xs" variant="subtle" onClick={clear}>
        Choose none
      </Button>
    </Group>
  )
}
