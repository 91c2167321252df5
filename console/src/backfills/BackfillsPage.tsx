import { Button, MultiSelect, Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { listBackfills } from '../client/backfills.ts'
import { getListFlowsQueryOptions } from '../client/flows.ts'
import type { Backfill } from '../client/model/backfill.ts'
import { useNow } from '../frame/clock.ts'
import { type Column, DataTable } from '../frame/DataTable.tsx'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { roughly } from '../frame/moment.ts'
import { PageHeader, Section } from '../frame/PageHeader.tsx'
import { PageLink } from '../frame/PageLink.tsx'
import { usePages } from '../frame/pages.ts'
import { listOf, someIn, wordsIn } from '../frame/search.ts'
import { useMay } from '../frame/session.ts'
import { None, Time } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import { shortId } from '../runs/words.ts'
import { Bar } from './Bar.tsx'
import classes from './Backfills.module.css'
import { paceOf, rate } from './pace.ts'
import { backfillStates } from './words.ts'

const route = getRouteApi('/inside/backfills')

const rangeOf = ({ from, to }: Backfill): string =>
  from === null && to === null ? 'chosen slices' : `${from ?? 'the beginning'} to ${to ?? 'now'}`

function Pace({ backfill }: { readonly backfill: Backfill }) {
  const now = useNow(5_000)
  const { perMinute } = paceOf(backfill, now.getTime())
  return perMinute === null ? <None says="no pace yet" /> : rate(perMinute)
}

const columns: readonly Column<Backfill>[] = [
  { id: 'state', head: 'State', width: '118px', cell: ({ state }) => <State state={state} /> },
  {
    id: 'backfill',
    head: 'Backfill',
    width: '104px',
    cell: ({ id }) => (
      <PageLink to="/backfills/$backfill" params={{ backfill: id }} ff="monospace" fz="xs" title={id}>
        {shortId(id)}
      </PageLink>
    ),
  },
  {
    id: 'flow',
    head: 'Flow',
    cell: ({ flow }) => (
      <PageLink to="/flows/$flow" params={{ flow }} inherit>
        {flow}
      </PageLink>
    ),
  },
  { id: 'range', head: 'Range', hide: 'tablet', cell: (one) => rangeOf(one) },
  { id: 'done', head: 'Done', width: '170px', hide: 'phone', cell: (one) => <Bar backfill={one} /> },
  { id: 'pace', head: 'Pace', width: '96px', align: 'right', hide: 'tablet', cell: (one) => <Pace backfill={one} /> },
  {
    id: 'eta',
    head: 'Left',
    width: '84px',
    align: 'right',
    hide: 'tablet',
    cell: ({ etaMs }) => (etaMs === null ? <None says="not known" /> : roughly(etaMs)),
  },
  {
    id: 'by',
    head: 'Asked',
    width: '150px',
    hide: 'phone',
    cell: ({ requestedAt, requestedBy }) => (
      <span title={requestedBy}>
        <Time at={requestedAt} /> by {requestedBy}
      </span>
    ),
  },
]

export function BackfillsPage() {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/backfills' })
  const may = useMay('operator')
  const flows = useQuery(getListFlowsQueryOptions({ limit: 500 }))
  const state = wordsIn(search.state, backfillStates)
  const filter = {
    ...(search.flow === undefined ? {} : { flow: search.flow }),
    ...(state === undefined ? {} : { state }),
  }
  const found = usePages(['/api/backfills', filter], (cursor, signal) =>
    listBackfills({ ...filter, limit: 100, ...(cursor === undefined ? {} : { cursor }) }, { signal }),
  )
  const filtered = search.flow !== undefined || search.state !== undefined
  const make = may && (
    <Button component={Link} to="/backfills/new" size="xs">
      New backfill
    </Button>
  )
  return (
    <>
      <PageHeader title="Backfills" about="Slices of a flow that are redone on request, behind the live work.">
        {make}
      </PageHeader>
      <div className={classes['filters']} role="search" aria-label="Filter the backfills">
        <Select
          aria-label="Flow"
          placeholder="Any flow"
          data={flows.data?.items.map(({ name }) => name) ?? []}
          value={search.flow ?? null}
          onChange={(flow) => void navigate({ search: { ...search, flow: flow ?? undefined }, replace: true })}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': 'Any flow' }}
        />
        <MultiSelect
          aria-label="State"
          placeholder={search.state === undefined ? 'Any state' : ''}
          data={[...backfillStates]}
          value={[...listOf(search.state)]}
          onChange={(states) =>
            void navigate({ search: { ...search, state: someIn(states.join(','), backfillStates) }, replace: true })
          }
          clearable
          clearButtonProps={{ 'aria-label': 'Any state' }}
        />
      </div>
      {found.error !== null ? (
        <ErrorPanel error={found.error} retry={found.retry} />
      ) : found.pending ? (
        <Loading />
      ) : (
        <Section title={found.total === null ? 'Backfills' : `${found.total} in all`} flush>
          <DataTable
            label="Backfills"
            columns={columns}
            rows={found.rows}
            rowKey={({ id }) => id}
            total={found.total}
            onMore={found.more}
            loadingMore={found.loadingMore}
            empty={
              filtered ? (
                <Empty title="No backfill fits">Choose another flow or state to see the others.</Empty>
              ) : (
                <Empty title="No backfill yet" action={make}>
                  A backfill redoes a range of slices, such as last month, each as a run of its own. It goes on after a
                  crash, and can be paused.
                </Empty>
              )
            }
          />
        </Section>
      )}
    </>
  )
}
