/** What a rollup counted, over time: one line, or the largest of a dimension. */
import { Select, Text, TextInput } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import type { Rollup } from '../../client/model/rollup.ts'
import { useReadSeries } from '../../client/data.ts'
import { useGetRollup } from '../../client/rollups.ts'
import { Chart } from '../../frame/Chart.tsx'
import { DataTable } from '../../frame/DataTable.tsx'
import type { Column } from '../../frame/DataTable.tsx'
import { Empty } from '../../frame/Empty.tsx'
import { ErrorPanel } from '../../frame/ErrorPanel.tsx'
import { Loading } from '../../frame/Loading.tsx'
import { compact, count, plural } from '../../frame/number.ts'
import { Section } from '../../frame/PageHeader.tsx'
import { None } from '../../frame/shown.tsx'
import { State } from '../../frame/State.tsx'
import { digitsText, errorWords } from './compared.ts'
import classes from './Rollup.module.css'
import { growthWords, isDay, largest, linesOf, measureName, most, nameOf, usualRange } from './series.ts'
import type { KeyedPoints, Point } from './series.ts'
import { bucketWords } from './words.ts'

const route = getRouteApi('/inside/flows/$flow')

export function ChartTab({ flow }: { readonly flow: string }) {
  const found = useGetRollup(flow)
  if (found.isPending) return <Loading />
  if (found.isError) return <ErrorPanel error={found.error} retry={() => void found.refetch()} />
  const rollup = found.data
  if (rollup.through === null)
    return (
      <Empty title="Nothing was counted yet" command={`sluice run ${flow}`}>
        After the first run what was counted is drawn here.
      </Empty>
    )
  return <Asked rollup={rollup} through={rollup.through} />
}

/** Levels of one dimension, or of several together: what the lines may be by. */
const dimensionsOf = ({ levels }: Rollup): readonly string[] =>
  levels.flatMap(({ dimensions }) => (dimensions.length === 1 ? dimensions : []))

function Asked({ rollup, through }: { readonly rollup: Rollup; readonly through: string }) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const grains = rollup.grains.map(({ grain }) => grain)
  const grain = grains.find((one) => one === search.grain) ?? grains.find((one) => one === 'day') ?? grains[0] ?? 'day'
  const measures = rollup.measures.map(({ name }) => name)
  const measure = measures.find((name) => name === search.measure) ?? measures[0] ?? ''
  const dimensions = dimensionsOf(rollup)
  const total = rollup.levels.some((level) => level.dimensions.length === 0)
  const by = dimensions.find((name) => name === search.by) ?? (total ? undefined : dimensions[0])
  const usual = usualRange(grain, through, rollup.zone)
  const from = isDay(search.from) ? search.from : usual.from
  const to = isDay(search.to) ? search.to : usual.to
  const set = (part: Readonly<Record<string, string | undefined>>): void =>
    void navigate({ search: (before) => ({ ...before, ...part }), replace: true, resetScroll: false })
  return (
    <>
      <div className={classes['pickers']}>
        <Select
          label="Measure"
          data={rollup.measures.map(({ name, approximate }) => ({
            value: name,
            label: measureName(name, approximate),
          }))}
          value={measure}
          allowDeselect={false}
          onChange={(name) => set({ measure: name ?? undefined })}
        />
        <Select
          label="Grain"
          data={grains}
          value={grain}
          allowDeselect={false}
          // How much one look holds depends on it.
          onChange={(name) => set({ grain: name ?? undefined, from: undefined, to: undefined })}
        />
        {dimensions.length > 0 && (
          <Select
            label="By"
            data={[...(total ? [{ value: '', label: 'the total' }] : []), ...dimensions]}
            value={by ?? ''}
            allowDeselect={false}
            onChange={(name) => set({ by: name === null || name === '' ? undefined : name })}
          />
        )}
        <TextInput
          type="date"
          label="From"
          value={from}
          max={to}
          onChange={(event) => set({ from: event.currentTarget.value })}
        />
        <TextInput
          type="date"
          label="To"
          value={to}
          min={from}
          onChange={(event) => set({ to: event.currentTarget.value })}
        />
      </div>
      <Drawn rollup={rollup} measure={measure} asked={{ grain, from, to, by }} />
    </>
  )
}

const perClick = 30

interface Row extends Point {
  readonly id: string
  readonly key: KeyedPoints['key']
}

function Drawn({
  rollup: { flow, zone, grains, measures },
  measure,
  asked,
}: {
  readonly rollup: Rollup
  readonly measure: string
  readonly asked: {
    readonly grain: string
    readonly from: string
    readonly to: string
    readonly by: string | undefined
  }
}) {
  const { grain, by } = asked
  const { from, to } = asked
  const found = useReadSeries(flow, { grain, from, to, measures: measure, ...(by === undefined ? {} : { by }) })
  const data = found.data
  const [more, setMore] = useState(perClick)
  const drawn = useMemo(() => {
    // The day that `to` names may have hours that are still to come.
    const now = data?.asOf ?? ''
    const begun = (data?.series ?? []).map(({ key, points }) => ({
      key,
      points: points.filter(({ bucket }) => bucket <= now),
    }))
    const shown = largest(begun, measure)
    return { ...linesOf(shown, measure), shown }
  }, [data, measure])
  const rows = useMemo(
    () =>
      drawn.shown
        .flatMap(({ key, points }) =>
          points.map((point): Row => ({ ...point, key, id: `${nameOf(key)} ${point.bucket}` })),
        )
        .toSorted((a, b) => (a.bucket < b.bucket ? 1 : a.bucket > b.bucket ? -1 : 0)),
    [drawn],
  )
  const approximate = measures.find(({ name }) => name === measure)?.approximate ?? null
  const called = measureName(measure, approximate)
  const columns = useMemo(
    () => columnsOf({ grain, zone, measure, approximate: approximate !== null, by }),
    [grain, zone, measure, approximate, by],
  )
  if (found.isPending) return <Loading />
  if (found.isError) return <ErrorPanel error={found.error} retry={() => void found.refetch()} />
  const all = found.data.series.length
  if (drawn.at.length === 0)
    return (
      <Empty title="Nothing in these days">
        No {grain} from {from} to {to} was counted. {grains.length > 1 && 'Another grain may have more.'}
      </Empty>
    )
  const last = rows.find(({ partial, values }) => !partial && values[measure] !== null)
  return (
    <>
      <Section
        title={`${called} by ${grain}`}
        aside={
          <Text size="xs" c="dimmed">
            {zone}
            {approximate !== null && ` · approximate, ${errorWords(approximate)}`}
            {rows[0]?.partial === true && ` · the last ${grain} is not over`}
            {all > most && ` · the largest ${most} of ${count(all)}`}
          </Text>
        }
      >
        <Chart
          label={`${called} by ${grain}, ${plural(drawn.lines.length, 'line')}${
            last === undefined
              ? ''
              : `; ${bucketWords(last.bucket, last.to, grain, zone)}: ${approximate === null ? '' : '≈ '}${String(last.values[measure])}`
          }`}
          at={drawn.at}
          series={drawn.lines}
          height={280}
          shows={compact}
          zone={zone}
        />
      </Section>
      <Section title="As numbers" flush>
        <DataTable
          label="Buckets"
          columns={columns}
          rows={rows.slice(0, more)}
          total={rows.length}
          onMore={more < rows.length ? () => setMore(more + perClick) : undefined}
          rowKey={({ id }) => id}
          empty={null}
        />
      </Section>
    </>
  )
}

function columnsOf({
  grain,
  zone,
  measure,
  approximate,
  by,
}: {
  readonly grain: string
  readonly zone: string
  readonly measure: string
  readonly approximate: boolean
  readonly by: string | undefined
}): readonly Column<Row>[] {
  const value = (point: Row) => {
    const of = point.values[measure]
    if (of === null || of === undefined) return <None says="nothing to tell it from" />
    const text = digitsText(String(of), 4)
    return <span title={String(of)}>{approximate ? `≈ ${text}` : text}</span>
  }
  return [
    {
      id: 'bucket',
      head: 'Bucket',
      wrap: true,
      cell: (point) => bucketWords(point.bucket, point.to, grain, zone),
    },
    ...(by === undefined
      ? []
      : [{ id: 'key', head: by, width: '22%', cell: (point: Row) => nameOf(point.key) } satisfies Column<Row>]),
    { id: 'value', head: approximate ? `≈ ${measure}` : measure, width: '92px', align: 'right', cell: value },
    {
      id: 'growth',
      head: 'Growth',
      width: '92px',
      align: 'right',
      cell: (point) =>
        point.growth[measure] === null || point.growth[measure] === undefined ? (
          <None says="none to compare with" />
        ) : (
          growthWords(point.growth[measure])
        ),
    },
    {
      id: 'state',
      head: 'State',
      width: '120px',
      hide: 'phone',
      cell: (point) =>
        point.partial ? (
          <State state="partial" says="it is not over" />
        ) : (
          <State state="done" says={point.live ? 'counted from its events as this was asked for' : undefined} />
        ),
    },
  ]
}
