import { SegmentedControl, TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { getListSchedulesQueryKey, listSchedules } from '../client/schedules.ts'
import type { Schedule } from '../client/model/schedule.ts'
import { type Column, DataTable } from '../frame/DataTable.tsx'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { plural } from '../frame/number.ts'
import { PageHeader, Section } from '../frame/PageHeader.tsx'
import { None, Time } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import type { SchedulesSearch } from './routes.ts'
import { ScheduleDetail } from './ScheduleDetail.tsx'
import classes from './Schedules.module.css'
import { Strip } from './Strip.tsx'

const route = getRouteApi('/inside/schedules')

/** All of them: a project has some hundred flows at most. */
async function allSchedules(signal: AbortSignal): Promise<readonly Schedule[]> {
  const found: Schedule[] = []
  let cursor: string | undefined
  do {
    const page = await listSchedules({ limit: 200, ...(cursor === undefined ? {} : { cursor }) }, { signal })
    found.push(...page.items)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return found
}

function fits(schedule: Schedule, { show, q }: SchedulesSearch): boolean {
  if (q !== undefined && !schedule.flow.toLowerCase().includes(q.toLowerCase())) return false
  switch (show) {
    case undefined:
      return true
    case 'scheduled':
      return schedule.spec !== null && schedule.paused === null
    case 'paused':
      return schedule.paused !== null
    case 'missed':
      return schedule.missed.length > 0
  }
}

/** What is due first stands first; what is due never, last. */
function byNext(a: Schedule, b: Schedule): number {
  const at = ({ next, paused }: Schedule): number =>
    paused !== null || next[0] === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(next[0].at)
  return at(a) - at(b) || a.flow.localeCompare(b.flow)
}

export function SchedulesPage() {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/schedules' })
  const schedules = useQuery({
    queryKey: [...getListSchedulesQueryKey(), 'all'],
    queryFn: ({ signal }) => allSchedules(signal),
  })
  const set = (part: SchedulesSearch): void => void navigate({ search: { ...search, ...part }, replace: true })
  const rows = useMemo(
    () => (schedules.data ?? []).filter((one) => fits(one, search)).toSorted(byNext),
    [schedules.data, search],
  )
  const chosen = schedules.data?.find(({ flow }) => flow === search.flow)
  const columns = useMemo(
    (): readonly Column<Schedule>[] => [
      {
        id: 'flow',
        head: 'Flow',
        cell: ({ flow }) => (
          <button
            type="button"
            className={classes['name']}
            aria-pressed={flow === search.flow}
            onClick={() => void navigate({ search: { ...search, flow: flow === search.flow ? undefined : flow } })}
          >
            {flow}
          </button>
        ),
      },
      { id: 'words', head: 'Due', width: '34%', wrap: true, cell: ({ words }) => words },
      {
        id: 'next',
        head: 'Next',
        width: '110px',
        cell: ({ next, paused }) =>
          paused === null ? (
            next[0] === undefined ? (
              <None says="by hand" />
            ) : (
              <Time at={next[0].at} />
            )
          ) : (
            <State state="paused" says={paused.reason ?? undefined} />
          ),
      },
      {
        id: 'last',
        head: 'Lately',
        width: '124px',
        hide: 'phone',
        cell: ({ last }) => (last.length === 0 ? <None says="none yet" /> : <Strip last={last} />),
      },
    ],
    [search, navigate],
  )
  return (
    <>
      <PageHeader title="Schedules" about="When each flow is due, and what became of its last due times." />
      <div className={classes['filters']} role="search" aria-label="Filter the schedules">
        <TextInput
          type="search"
          aria-label="Find a flow"
          placeholder="Find a flow"
          leftSection={<IconSearch size={15} aria-hidden />}
          value={search.q ?? ''}
          onChange={(event) => set({ q: event.currentTarget.value })}
        />
        <SegmentedControl
          aria-label="Which schedules"
          data={[
            { value: 'all', label: 'All' },
            { value: 'scheduled', label: 'Scheduled' },
            { value: 'paused', label: 'Paused' },
            { value: 'missed', label: 'Missed' },
          ]}
          value={search.show ?? 'all'}
          onChange={(show) =>
            set({ show: show === 'scheduled' || show === 'paused' || show === 'missed' ? show : undefined })
          }
        />
      </div>
      {schedules.isError ? (
        <ErrorPanel error={schedules.error} retry={() => void schedules.refetch()} />
      ) : schedules.isPending ? (
        <Loading />
      ) : (
        <div className={classes['columns']} data-split={chosen !== undefined || undefined}>
          <Section title={`${rows.length} of ${plural(schedules.data.length, 'flow')}`} flush>
            <DataTable
              label="Schedules"
              columns={columns}
              rows={rows}
              rowKey={({ flow }) => flow}
              empty={
                schedules.data.length === 0 ? (
                  <Empty title="No flow yet" command="sluice init">
                    A flow is due by `every` or `cron` in its definition.
                  </Empty>
                ) : (
                  <Empty title="No schedule fits">
                    {search.show === 'missed'
                      ? 'No due time was skipped or is waited for lately.'
                      : 'Choose another filter to see the others.'}
                  </Empty>
                )
              }
            />
          </Section>
          {chosen !== undefined && <ScheduleDetail key={chosen.flow} schedule={chosen} />}
        </div>
      )}
    </>
  )
}
