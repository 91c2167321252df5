/** What of the runs is shown; kept in the URL. */
import { Button, MultiSelect, Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getListFlowsQueryOptions } from '../client/flows.ts'
import { listOf, oneIn, someIn } from '../frame/search.ts'
import { isFiltered, type RunsSearch } from './filter.ts'
import classes from './RunFilters.module.css'
import { operations, runStates, type Span, spans, spanWords, triggers } from './words.ts'

export function RunFilters({
  search,
  onChange,
}: {
  readonly search: RunsSearch
  readonly onChange: (search: RunsSearch) => void
}) {
  const flows = useQuery(getListFlowsQueryOptions({ limit: 500 }))
  const names = flows.data?.items.map(({ name }) => name) ?? []
  const known = search.flow === undefined || names.includes(search.flow) ? names : [search.flow, ...names]
  const set = (part: RunsSearch): void => onChange({ ...search, ...part })
  return (
    <div className={classes['filters']} role="search" aria-label="Filter the runs">
      <Select
        aria-label="Flow"
        placeholder="Any flow"
        data={known}
        value={search.flow ?? null}
        onChange={(flow) => set({ flow: flow ?? undefined })}
        searchable
        clearable
        clearButtonProps={{ 'aria-label': 'Any flow' }}
        className={classes['flow']}
      />
      <MultiSelect
        aria-label="State"
        placeholder={search.state === undefined ? 'Any state' : ''}
        data={[...runStates]}
        value={[...listOf(search.state)]}
        onChange={(states) => set({ state: someIn(states.join(','), runStates) })}
        clearable
        clearButtonProps={{ 'aria-label': 'Any state' }}
        className={classes['states']}
      />
      <MultiSelect
        aria-label="Asked for by"
        placeholder={search.trigger === undefined ? 'Any trigger' : ''}
        data={[...triggers]}
        value={[...listOf(search.trigger)]}
        onChange={(chosen) => set({ trigger: someIn(chosen.join(','), triggers) })}
        clearable
        clearButtonProps={{ 'aria-label': 'Any trigger' }}
        className={classes['states']}
      />
      <Select
        aria-label="Operation"
        placeholder="Any operation"
        data={[...operations]}
        value={search.operation ?? null}
        onChange={(operation) => set({ operation: oneIn(operation, operations) })}
        clearable
        clearButtonProps={{ 'aria-label': 'Any operation' }}
        className={classes['short']}
      />
      <Select
        aria-label="Requested in"
        placeholder="Any time"
        // All keys of an object are its own.
        data={(Object.keys(spans) as Span[]).map((span) => ({ value: span, label: spanWords[span] }))}
        value={search.since ?? null}
        onChange={(since) => set({ since: since ?? undefined })}
        clearable
        clearButtonProps={{ 'aria-label': 'Any time' }}
        className={classes['short']}
      />
      {isFiltered(search) && (
        <Button variant="subtle" size="sm" onClick={() => onChange({})}>
          Clear
        </Button>
      )}
    </div>
  )
}
