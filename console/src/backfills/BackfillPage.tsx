import { Button, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import {
  changeBackfill,
  getGetBackfillQueryKey,
  getGetBackfillQueryOptions,
  retryBackfill,
} from '../client/backfills.ts'
import type { Backfill } from '../client/model/backfill.ts'
import type { BackfillSlice } from '../client/model/backfillSlice.ts'
import { useNow } from '../frame/clock.ts'
import { type Column, DataTable } from '../frame/DataTable.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { duration } from '../frame/moment.ts'
import { count, plural } from '../frame/number.ts'
import { PageHeader, Section } from '../frame/PageHeader.tsx'
import { PageLink } from '../frame/PageLink.tsx'
import { ask } from '../frame/reason.tsx'
import { listOf, someIn } from '../frame/search.ts'
import { useMay } from '../frame/session.ts'
import { None, Time } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import { Tiles } from '../frame/Tiles.tsx'
import { shortId } from '../runs/words.ts'
import { Bar } from './Bar.tsx'
import classes from './Backfills.module.css'
import { paceOf, rate } from './pace.ts'
import { SliceGrid } from './SliceGrid.tsx'
import { most, slicesOf, useSlices } from './slices.ts'
import { backfillSliceStates } from './words.ts'

const route = getRouteApi('/inside/backfills/$backfill')

const columns: readonly Column<BackfillSlice>[] = [
  { id: 'state', head: 'State', width: '136px', cell: ({ state }) => <State state={state} /> },
  { id: 'key', head: 'Slice', cell: ({ key }) => <code title={key}>{key}</code> },
  {
    id: 'run',
    head: 'Run',
    width: '110px',
    cell: ({ run }) =>
      run === null ? (
        <None says="no run yet" />
      ) : (
        <PageLink to="/runs/$run" params={{ run }} ff="monospace" fz="xs">
          {shortId(run)}
        </PageLink>
      ),
  },
]

export function BackfillPage() {
  const { backfill: id } = route.useParams()
  const found = useQuery(getGetBackfillQueryOptions(id))
  if (found.isError)
    return (
      <>
        <PageHeader title="Backfill" />
        <ErrorPanel error={found.error} retry={() => void found.refetch()} />
      </>
    )
  if (found.data === undefined) return <Loading />
  return <Shown backfill={found.data} />
}

function Shown({ backfill }: { readonly backfill: Backfill }) {
  const now = useNow(5_000)
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/backfills/$backfill' })
  const slices = useSlices(backfill)
  const pace = paceOf(backfill, now.getTime())
  const states = listOf(search.state)
  const { state: only } = search
  const rows = useMemo(() => {
    const wanted = listOf(only)
    return (slices.data?.slices ?? []).filter(({ state }) => wanted.length === 0 || wanted.includes(state))
  }, [slices.data, only])
  const whole = slices.data?.whole === true
  const expected = backfillSliceStates
    .filter((state) => states.length === 0 || states.includes(state))
    .reduce((sum, state) => sum + backfill.slices[state], 0)
  // Until all have been read their place is kept, so that nothing below it moves.
  const squares = whole ? rows.length : Math.max(rows.length, Math.min(expected, most))
  const toggle = (state: string): void => {
    const next = states.includes(state) ? states.filter((one) => one !== state) : [...states, state]
    void navigate({ search: { state: someIn(next.join(','), backfillSliceStates) }, replace: true })
  }
  return (
    <>
      <PageHeader title={`Backfill ${shortId(backfill.id)}`} about={<About backfill={backfill} />}>
        <Actions backfill={backfill} />
      </PageHeader>
      <Tiles
        tiles={[
          { name: 'Slices', value: count(pace.total), about: `${count(pace.ended)} ended` },
          { name: 'Failed', value: count(backfill.slices.failed) },
          {
            name: 'Pace',
            value: pace.perMinute === null ? '–' : rate(pace.perMinute),
            about: `${backfill.atOnce} at once`,
          },
          {
            name: backfill.finishedAt === null ? 'Left' : 'Took',
            value:
              backfill.finishedAt === null
                ? backfill.etaMs === null
                  ? '–'
                  : duration(backfill.etaMs)
                : duration(Date.parse(backfill.finishedAt) - Date.parse(backfill.requestedAt)),
          },
        ]}
      />
      <Section title="How far it is">
        <Bar backfill={backfill} big />
        <ul className={classes['legend']} aria-label="Show only">
          {backfillSliceStates
            .filter((state) => backfill.slices[state] > 0)
            .map((state) => (
              <li key={state}>
                <button type="button" aria-pressed={states.includes(state)} onClick={() => toggle(state)}>
                  <State state={state} /> {count(backfill.slices[state])}
                </button>
              </li>
            ))}
        </ul>
      </Section>
      {slices.isError ? (
        <ErrorPanel error={slices.error} retry={() => void slices.refetch()} />
      ) : slices.isPending ? (
        <Loading rows={3} />
      ) : (
        <>
          <Section
            title="Slices"
            aside={
              <Text size="xs" c="dimmed">
                {whole
                  ? `${plural(rows.length, 'square')}, in the order in which they are done`
                  : `${count(slices.data.slices.length)} of ${count(pace.total)} read…`}
                {whole && slices.data.slices.length < pace.total ? `, of the first ${count(most)}` : ''}
              </Text>
            }
          >
            <SliceGrid slices={rows} total={squares} />
          </Section>
          <Section
            title={search.state === undefined ? 'All slices' : `${plural(rows.length, 'slice')}: ${states.join(', ')}`}
            flush
          >
            <DataTable
              label="Slices"
              columns={columns}
              rows={rows}
              rowKey={({ key }) => key}
              total={squares}
              empty={
                <Text p="md" c="dimmed">
                  None of that state.
                </Text>
              }
            />
          </Section>
        </>
      )}
    </>
  )
}

function About({ backfill }: { readonly backfill: Backfill }) {
  const { flow, state, from, to, force, grain, clear, requestedAt, requestedBy, stopped } = backfill
  return (
    <>
      <State state={state} /> ·{' '}
      <PageLink to="/flows/$flow" params={{ flow }} underline="always" inherit>
        {flow}
      </PageLink>
      {from === null && to === null ? '' : ` from ${from ?? 'the beginning'} to ${to ?? 'now'}`}
      {grain === null ? '' : ` by ${grain}`}
      {clear ? ', cleared where it cannot be made again' : ''}
      {force ? ', also what is up to date' : ''} · asked by {requestedBy} <Time at={requestedAt} />
      {stopped !== null && (
        <>
          {' '}
          · {state === 'paused' ? 'paused' : 'cancelled'} by {stopped.by}
          {stopped.reason === null ? '' : `: ${stopped.reason}`}
        </>
      )}
    </>
  )
}

function Actions({ backfill }: { readonly backfill: Backfill }) {
  const may = useMay('operator')
  const client = useQueryClient()
  const { id, state, slices } = backfill
  const onSuccess = (after: Backfill): Promise<void> => {
    client.setQueryData(getGetBackfillQueryKey(id), after)
    return client.invalidateQueries({ queryKey: slicesOf(id).queryKey })
  }
  const change = useMutation({
    mutationFn: (to: { readonly state: 'paused' | 'running' | 'cancelled'; readonly reason: string | null }) =>
      changeBackfill(id, to),
    onSuccess,
  })
  const retry = useMutation({ mutationFn: () => retryBackfill(id), onSuccess })
  if (!may) return null
  const again = slices.failed + slices.cancelled
  return (
    <>
      {(state === 'failed' || state === 'cancelled') && again > 0 && (
        <Button size="xs" loading={retry.isPending} onClick={() => retry.mutate()}>
          Retry {plural(again, 'slice')} that failed or {again === 1 ? 'was' : 'were'} cancelled
        </Button>
      )}
      {state === 'running' && (
        <Button
          size="xs"
          variant="default"
          loading={change.isPending}
          onClick={() =>
            ask(
              {
                title: 'Pause the backfill',
                says: 'Nothing of it begins any more; what runs goes on.',
                action: 'Pause',
              },
              (reason) => change.mutate({ state: 'paused', reason }),
            )
          }
        >
          Pause…
        </Button>
      )}
      {state === 'paused' && (
        <Button size="xs" loading={change.isPending} onClick={() => change.mutate({ state: 'running', reason: null })}>
          Resume
        </Button>
      )}
      {(state === 'running' || state === 'paused') && (
        <Button
          size="xs"
          variant="default"
          loading={change.isPending}
          onClick={() =>
            ask(
              {
                title: 'Cancel the backfill',
                says: 'What runs is cancelled, what waits is not done. What is done stays.',
                action: 'Cancel the backfill',
                danger: true,
              },
              (reason) => change.mutate({ state: 'cancelled', reason }),
            )
          }
        >
          Cancel…
        </Button>
      )}
    </>
  )
}
