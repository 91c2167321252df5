/** The buckets of a slice; one of them opens beside its events. */
import { VisuallyHidden } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import type { Slice } from '../../client/model/slice.ts'
import { useGetRollup, useListBuckets } from '../../client/rollups.ts'
import { ErrorPanel } from '../../frame/ErrorPanel.tsx'
import { Loading } from '../../frame/Loading.tsx'
import { count, compact, plural } from '../../frame/number.ts'
import { State, stateColour } from '../../frame/State.tsx'
import { BucketRows } from './BucketRows.tsx'
import classes from './Rollup.module.css'
import { bucketWords, labelsOf } from './words.ts'

const route = getRouteApi('/inside/flows/$flow')

export function SliceBuckets({ slice }: { readonly slice: Slice }) {
  const { bucket: chosen } = route.useSearch()
  const navigate = route.useNavigate()
  const rollup = useGetRollup(slice.flow)
  // A key has a slash and brackets.
  const found = useListBuckets(slice.flow, encodeURIComponent(slice.key))
  if (found.isError) return <ErrorPanel error={found.error} retry={() => void found.refetch()} />
  if (found.data === undefined || rollup.data === undefined) return <Loading rows={2} />
  const { grain, items } = found.data
  const { zone } = rollup.data
  const labels = labelsOf(
    items.map(({ from }) => from),
    grain,
    zone,
  )
  const states = [...new Set(items.map(({ state }) => state))]
  const open = items.find(({ from }) => from === chosen)
  return (
    <>
      <h3 className={classes['subtitle']}>
        Buckets by {grain} <span>{plural(items.length, 'bucket')} · choose one to see it beside its events</span>
      </h3>
      <ul className={classes['legend']} aria-label="States">
        {states.map((state) => (
          <li key={state}>
            <State state={state} /> {count(items.filter((one) => one.state === state).length)}
          </li>
        ))}
      </ul>
      <div className={classes['buckets']} data-grain={grain} role="group" aria-label="Buckets">
        {items.map(({ from, to, rows, state }, at) => (
          <button
            key={from}
            type="button"
            className={classes['bucket']}
            data-bucket-state={state}
            aria-pressed={from === chosen}
            title={`${bucketWords(from, to, grain, zone)}: ${state}, ${plural(rows, 'row')}`}
            style={{ borderInlineStartColor: stateColour(state) }}
            onClick={() =>
              void navigate({
                search: (before) => ({ ...before, bucket: from === chosen ? undefined : from }),
                resetScroll: false,
              })
            }
          >
            <span>{labels[at]}</span>
            <VisuallyHidden>, {state}, rows: </VisuallyHidden>
            <span className={classes['rows']}>{state === 'waiting' || state === 'missing' ? '–' : compact(rows)}</span>
          </button>
        ))}
      </div>
      {open !== undefined && (
        <BucketRows
          key={open.from}
          flow={slice.flow}
          grain={grain}
          bucket={open}
          zone={zone}
          levels={rollup.data.levels.map(({ name }) => name)}
        />
      )}
    </>
  )
}
