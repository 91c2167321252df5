/** The range of a new backfill of a rollup: a grain, and whole days. */
import { Checkbox, Select, SimpleGrid, TextInput } from '@mantine/core'
import { useGetRollup } from '../../client/rollups.ts'
import type { RangeProps } from '../range.ts'

export function RollupRange({ flow, range: { from, to, grain, clear }, set }: RangeProps) {
  const rollup = useGetRollup(flow)
  const names = rollup.data?.grains.map((one) => one.grain) ?? []
  const zone = rollup.data?.zone
  return (
    <>
      <Select
        label="Grain"
        description="Only what is counted by this period, and what is made of it. Every grain: all of them."
        data={[{ value: '', label: 'every grain' }, ...names.map((name) => ({ value: name, label: name }))]}
        value={grain ?? ''}
        allowDeselect={false}
        onChange={(value) => set({ grain: value === null || value === '' ? undefined : value })}
      />
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        <TextInput
          type="date"
          label="From"
          description={`The first day${zone === undefined ? '' : `, in ${zone}`}. Empty: that of the first event.`}
          max={to}
          value={from ?? ''}
          onChange={(event) => set({ from: event.currentTarget.value })}
        />
        <TextInput
          type="date"
          label="To"
          description="The last day, with all of it. Empty: up to what is counted."
          min={from}
          value={to ?? ''}
          onChange={(event) => set({ to: event.currentTarget.value })}
        />
      </SimpleGrid>
      <Checkbox
        label="Clear what cannot be made again"
        description="All of the range is counted anew from the events that are left, though there be none: buckets whose events are no longer kept go. Without it they stay as they were counted."
        checked={clear === 'yes'}
        onChange={(event) => set({ clear: event.currentTarget.checked ? 'yes' : undefined })}
      />
    </>
  )
}
