/** Slices: as a calendar where they stand for a time, as a list where they stand for none. */
import { ActionIcon, Button, Group, Text } from '@mantine/core'
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import type { ComponentType } from 'react'
import { getListSlicesQueryKey, listSlices, useListSlices } from '../client/flows.ts'
import type { FlowDetail } from '../client/model/flowDetail.ts'
import type { Slice } from '../client/model/slice.ts'
import type { SliceCounts } from '../client/model/sliceCounts.ts'
import { DataTable } from '../frame/DataTable.tsx'
import type { Column } from '../frame/DataTable.tsx'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { absolute } from '../frame/moment.ts'
import { count, plural } from '../frame/number.ts'
import { Section } from '../frame/PageHeader.tsx'
import { useMay } from '../frame/session.ts'
import { Count, None, Time } from '../frame/shown.tsx'
import { State, stateColour } from '../frame/State.tsx'
import { useZone } from '../frame/zone.tsx'
import { askRepair, useActs } from './acts.ts'
import { grid, shifted, stateOf, windowWords } from './calendar.ts'
import type { Layout } from './calendar.ts'
import classes from './SlicesTab.module.css'
import { newestOf, screenOf, slicesOf } from './slices-window.ts'
import type { Screen } from './slices-window.ts'

const route = getRouteApi('/inside/flows/$flow')

type More = ComponentType<{ readonly slice: Slice }> | undefined

export function SlicesTab({
  flow,
  more,
  only,
  dirty = none,
  zone: own,
}: {
  readonly flow: FlowDetail
  readonly more: More
  /** Only slices with this text in their key. */
  readonly only?: string
  /** Keys of slices that are dirty, which only their kind knows. */
  readonly dirty?: ReadonlySet<string>
  /** Whose days and months they are; left out: of the zone in which times are shown. */
  readonly zone?: string
}) {
  // The newest says whether there is a calendar, and where it begins.
  const newest = useListSlices(flow.name, newestOf(only))
  const shown = useZone()
  const zone = own ?? shown
  const { at: asked } = route.useSearch()
  if (newest.isPending) return <Loading />
  if (newest.isError) return <ErrorPanel error={newest.error} retry={() => void newest.refetch()} />
  const [first] = newest.data.items
  const screen = screenOf(first, asked, zone)
  if (first === undefined)
    return (
      <Empty title="There is no slice yet" command={`sluice run ${flow.name}`}>
        A slice is the part of a flow that is redone as a whole. It is written down when it is due for the first time.
      </Empty>
    )
  return (
    <>
      <Counts counts={dirtied(newest.data.counts, dirty.size)} />
      {screen === null ? (
        <SliceList flow={flow.name} zone={zone} more={more} />
      ) : (
        <Calendar flow={flow.name} newest={first} screen={screen} zone={zone} only={only} dirty={dirty} more={more} />
      )}
    </>
  )
}

const none: ReadonlySet<string> = new Set()

/** What its kind calls dirty was done when it was recorded. */
function dirtied(counts: SliceCounts, dirty: number): SliceCounts {
  const of = Math.min(dirty, counts.done)
  return { ...counts, done: counts.done - of, dirty: counts.dirty + of }
}

const states = ['failed', 'running', 'dirty', 'missing', 'done', 'frozen'] as const

function Counts({ counts }: { readonly counts: SliceCounts }) {
  return (
    <Group gap="lg" mb="md">
      {states
        .filter((state) => counts[state] > 0)
        .map((state) => (
          <span key={state} className={classes['count']}>
            <span className={classes['dot']} style={{ background: stateColour(state) }} aria-hidden />
            <Count value={counts[state]} /> {state}
          </span>
        ))}
    </Group>
  )
}

const noSlices: readonly Slice[] = []
const asDirty = (slice: Slice): Slice => ({ ...slice, state: 'dirty' })

function Calendar({
  flow,
  newest,
  screen: { layout, window, latest, length },
  zone,
  only,
  dirty,
  more,
}: {
  readonly flow: string
  readonly newest: Slice
  readonly screen: Screen
  readonly zone: string
  readonly only: string | undefined
  readonly dirty: ReadonlySet<string>
  readonly more: More
}) {
  const { slice: chosen } = route.useSearch()
  const navigate = route.useNavigate()
  const asked = useQuery({
    ...slicesOf(flow, { window, layout }, only),
    placeholderData: (before) => before,
  })
  const slices = useMemo(
    () => (asked.data ?? noSlices).map((one) => (one.state === 'done' && dirty.has(one.key) ? asDirty(one) : one)),
    [asked.data, dirty],
  )
  const drawn = useMemo(() => grid(slices, window, layout, zone, length), [slices, window, layout, zone, length])
  const go = (to: string): void =>
    void navigate({ search: (before) => ({ ...before, at: to === latest ? undefined : to }), resetScroll: false })
  const choose = (key: string): void =>
    void navigate({
      search: (before) => ({ ...before, slice: key === chosen ? undefined : key, bucket: undefined }),
      resetScroll: false,
    })
  const found = slices.find((slice) => slice.key === chosen) ?? (newest.key === chosen ? newest : undefined)
  const held = drawn.cells.reduce((sum, cell) => sum + cell.slices.length, 0)
  return (
    <>
      <Section
        title={windowWords(window, layout)}
        aside={
          <Group gap={4}>
            <Text size="sm" c="dimmed" mr="xs">
              {plural(held, 'slice')} · {zone}
            </Text>
            <ActionIcon variant="default" aria-label="Before" onClick={() => go(shifted(window, layout, -1))}>
              <IconChevronLeft size={16} />
            </ActionIcon>
            <ActionIcon variant="default" aria-label="After" onClick={() => go(shifted(window, layout, 1))}>
              <IconChevronRight size={16} />
            </ActionIcon>
            {window !== latest && (
              <Button size="compact-sm" variant="subtle" onClick={() => go(latest)}>
                Newest
              </Button>
            )}
          </Group>
        }
      >
        {asked.isError && <ErrorPanel error={asked.error} retry={() => void asked.refetch()} />}
        <Cells drawn={drawn} layout={layout} zone={zone} chosen={chosen} choose={choose} />
        {held === 0 && !asked.isFetching && (
          <Text size="sm" c="dimmed" mt="sm">
            No slice in {windowWords(window, layout)}.
          </Text>
        )}
      </Section>
      {found !== undefined && <Chosen slice={found} zone={zone} more={more} />}
    </>
  )
}

function Cells({
  drawn,
  layout,
  zone,
  chosen,
  choose,
}: {
  readonly drawn: ReturnType<typeof grid>
  readonly layout: Layout
  readonly zone: string
  readonly chosen: string | undefined
  readonly choose: (key: string) => void
}) {
  const at = new Map(drawn.cells.map((cell) => [`${cell.row} ${cell.column}`, cell]))
  return (
    <div className={classes['scroll']} role="region" aria-label="Calendar" tabIndex={0}>
      <table className={classes['calendar']} data-layout={layout}>
        <caption className={classes['hidden']}>Slices by {layout}: choose one to see more of it</caption>
        <thead>
          <tr>
            <td />
            {drawn.columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {drawn.rows.map((head, row) => (
            <tr key={head}>
              <th scope="row">{head}</th>
              {drawn.columns.map((name, column) => {
                const slices = at.get(`${row} ${column}`)?.slices
                const first = slices?.[0]
                if (slices === undefined || first === undefined)
                  return <td key={name} data-hole={drawn.holes.has(`${row} ${column}`) || undefined} />
                const state = stateOf(slices)
                const label = `${first.period === null ? first.key : absolute(new Date(first.period.from), zone)}: ${state}${
                  slices.length > 1 ? `, ${slices.length} slices` : ''
                }${first.rows === null ? '' : `, ${count(first.rows)} rows`}`
                return (
                  <td key={name}>
                    <button
                      type="button"
                      className={classes['cell']}
                      data-slice-state={state}
                      style={{ backgroundColor: stateColour(state) }}
                      aria-label={label}
                      aria-pressed={slices.some((slice) => slice.key === chosen)}
                      title={label}
                      onClick={() => choose(first.key)}
                    />
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Chosen({ slice, zone, more: More }: { readonly slice: Slice; readonly zone: string; readonly more: More }) {
  const operator = useMay('operator')
  const acts = useActs()
  return (
    <Section
      title={slice.key}
      aside={
        operator && (
          <Button
            size="xs"
            loading={acts.isPending}
            onClick={() => acts.mutate({ flows: [slice.flow], act: { tag: 'run', slices: [slice.key], redo: true } })}
          >
            Do this slice again
          </Button>
        )
      }
    >
      <dl className={classes['facts']}>
        <dt>State</dt>
        <dd>
          <State state={slice.state} />
        </dd>
        {slice.period !== null && (
          <>
            <dt>Covers</dt>
            <dd>
              {absolute(new Date(slice.period.from), zone)} to {absolute(new Date(slice.period.to), zone)}
            </dd>
          </>
        )}
        <dt>Rows</dt>
        <dd>
          <Count value={slice.rows} />
        </dd>
        <dt>Changed</dt>
        <dd>
          {slice.changes === null ? (
            <None says="not known" />
          ) : (
            `${count(slice.changes.inserted)} inserted, ${count(slice.changes.changed)} changed, ${count(slice.changes.deleted)} deleted`
          )}
        </dd>
        <dt>Data as of</dt>
        <dd>
          <Time at={slice.asOf} show="both" />
        </dd>
        <dt>Due</dt>
        <dd>
          <Time at={slice.dueAt} show="both" />
        </dd>
        <dt>Published</dt>
        <dd>
          <Time at={slice.publishedAt} show="both" />
          {slice.run !== null && (
            <>
              {' by '}
              <Link to="/runs/$run" params={{ run: slice.run }}>
                run {slice.run.slice(-8)}
              </Link>
            </>
          )}
        </dd>
        <dt>Verified</dt>
        <dd>
          {slice.verified === null ? (
            <None says="not compared yet" />
          ) : (
            <Link to="/runs/$run" params={{ run: slice.verified.run }} className={classes['verified']}>
              <State state={slice.verified.verdict} />
              <Time at={slice.verified.at} />
            </Link>
          )}
          {operator && slice.verified?.verdict === 'differs' && (
            <Button
              size="compact-xs"
              variant="default"
              ml="sm"
              loading={acts.isPending}
              onClick={() => askRepair(slice.flow, slice.key, (act) => acts.mutate({ flows: [slice.flow], act }))}
            >
              Repair…
            </Button>
          )}
        </dd>
      </dl>
      {More !== undefined && <More slice={slice} />}
    </Section>
  )
}

const columns: readonly Column<Slice>[] = [
  { id: 'key', head: 'Slice', cell: (slice) => <span title={slice.key}>{slice.key}</span> },
  { id: 'state', head: 'State', width: '110px', cell: (slice) => <State state={slice.state} /> },
  { id: 'rows', head: 'Rows', width: '120px', align: 'right', cell: (slice) => <Count value={slice.rows} /> },
  { id: 'asOf', head: 'Data as of', width: '110px', hide: 'phone', cell: (slice) => <Time at={slice.asOf} /> },
  {
    id: 'published',
    head: 'Published',
    width: '110px',
    hide: 'phone',
    cell: (slice) => <Time at={slice.publishedAt} />,
  },
  {
    id: 'verified',
    head: 'Verified',
    width: '130px',
    hide: 'phone',
    cell: ({ verified }) => (verified === null ? <None says="not compared yet" /> : <State state={verified.verdict} />),
  },
  {
    id: 'run',
    head: 'Run',
    width: '110px',
    hide: 'phone',
    cell: ({ run }) =>
      run === null ? (
        <None says="no run" />
      ) : (
        <Link to="/runs/$run" params={{ run }}>
          {run.slice(-8)}
        </Link>
      ),
  },
]

const keyOf = (slice: Slice): string => slice.key

function SliceList({ flow, zone, more }: { readonly flow: string; readonly zone: string; readonly more: More }) {
  const { slice: chosen } = route.useSearch()
  const params = { limit: 200 }
  const slices = useInfiniteQuery({
    queryKey: [...getListSlicesQueryKey(flow, params), 'pages'],
    queryFn: ({ pageParam, signal }) =>
      listSlices(flow, { ...params, ...(pageParam === null ? {} : { cursor: pageParam }) }, { signal }),
    initialPageParam: null as string | null, // the first page has none
    getNextPageParam: (page) => page.next,
  })
  if (slices.isPending) return <Loading />
  if (slices.isError) return <ErrorPanel error={slices.error} retry={() => void slices.refetch()} />
  const rows = slices.data.pages.flatMap((page) => page.items)
  const [only] = rows
  const found = rows.find((slice) => slice.key === chosen) ?? (rows.length === 1 ? only : undefined)
  return (
    <>
      {rows.length > 1 && (
        <Section title="Slices" flush>
          <DataTable
            label={`Slices of ${flow}`}
            columns={columns}
            rows={rows}
            rowKey={keyOf}
            total={slices.data.pages[0]?.total}
            onMore={slices.hasNextPage ? () => void slices.fetchNextPage() : undefined}
            loadingMore={slices.isFetchingNextPage}
            empty={null}
          />
        </Section>
      )}
      {found !== undefined && <Chosen slice={found} zone={zone} more={more} />}
    </>
  )
}
