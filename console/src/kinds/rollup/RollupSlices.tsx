/** The slices of a rollup: those of one grain at a time, in the calendar of its own zone. */
import { SegmentedControl } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { useMemo } from 'react'
import type { FlowDetail } from '../../client/model/flowDetail.ts'
import type { Rollup } from '../../client/model/rollup.ts'
import { useGetRollup } from '../../client/rollups.ts'
import { ErrorPanel } from '../../frame/ErrorPanel.tsx'
import { Loading } from '../../frame/Loading.tsx'
import { SlicesTab } from '../../flows/SlicesTab.tsx'
import classes from './Rollup.module.css'
import { SliceBuckets } from './SliceBuckets.tsx'

const route = getRouteApi('/inside/flows/$flow')

export function RollupSlices({ flow }: { readonly flow: FlowDetail }) {
  const found = useGetRollup(flow.name)
  if (found.isPending) return <Loading />
  if (found.isError) return <ErrorPanel error={found.error} retry={() => void found.refetch()} />
  return <OfGrain flow={flow} rollup={found.data} />
}

function OfGrain({ flow, rollup: { grains, zone } }: { readonly flow: FlowDetail; readonly rollup: Rollup }) {
  const { grain: asked } = route.useSearch()
  const navigate = route.useNavigate()
  const chosen = grains.find(({ grain }) => grain === asked) ?? grains[0]
  const dirty = useMemo(() => new Set(chosen?.dirtySlices), [chosen])
  if (chosen === undefined) return null
  return (
    <>
      <div className={classes['pick']}>
        <SegmentedControl
          aria-label="Grain"
          size="sm"
          data={grains.map(({ grain }) => grain)}
          value={chosen.grain}
          onChange={(grain) => void navigate({ search: { tab: 'slices', grain }, resetScroll: false })}
        />
      </div>
      <SlicesTab
        key={chosen.grain}
        flow={flow}
        only={`]/${chosen.grain}`}
        zone={zone}
        dirty={dirty}
        more={SliceBuckets}
      />
    </>
  )
}
