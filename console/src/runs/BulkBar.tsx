/** Retry and cancel of many runs: how many it would be is counted and shown before anything is done. */
import { Button, Group, Modal, Progress, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Run } from '../client/model/run.ts'
import { cancelRun, listRuns, retryRun } from '../client/runs.ts'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { plural } from '../frame/number.ts'
import { applicable, type BulkAction, bulkFilter, type BulkResult, doEach } from './bulk.ts'
import type { RunsSearch } from './filter.ts'
import { runsParams } from './filter.ts'

/** What is meant: the chosen ones, or all that fit the filter. */
export type Meant =
  | { readonly tag: 'chosen'; readonly runs: readonly Run[] }
  | { readonly tag: 'filter'; readonly search: RunsSearch }

const words = {
  retry: {
    title: 'Retry runs',
    verb: 'Retry',
    says: 'A new run of the same request is made for each; it starts when a worker is free.',
  },
  cancel: {
    title: 'Cancel runs',
    verb: 'Cancel',
    says: 'What waits is not begun; what runs stops, and publishes nothing.',
  },
} as const

/** The runs that a filter and an action mean, as of now: all ids, page by page. */
async function idsOf(search: RunsSearch, action: BulkAction, signal: AbortSignal): Promise<readonly string[]> {
  const state = bulkFilter(search.state, action)
  if (state === null) return []
  const params = { ...runsParams({ ...search, state }, Date.now()), limit: 500 }
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await listRuns({ ...params, ...(cursor === undefined ? {} : { cursor }) }, { signal })
    ids.push(...page.items.map(({ id }) => id))
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return ids
}

export function BulkModal({
  action,
  meant,
  close,
}: {
  readonly action: BulkAction
  readonly meant: Meant
  readonly close: () => void
}) {
  const says = words[action]
  const found = useQuery({
    queryKey: ['bulk', action, meant.tag === 'filter' ? meant.search : meant.runs.map(({ id }) => id)],
    queryFn: async ({ signal }) =>
      meant.tag === 'chosen' ? applicable(meant.runs, action).map(({ id }) => id) : idsOf(meant.search, action, signal),
    staleTime: 0,
    gcTime: 0,
  })
  const [result, setResult] = useState<BulkResult | null>(null)
  const [stop, setStop] = useState<AbortController | null>(null)
  const [over, setOver] = useState(false)
  const ids = found.data ?? []
  const begin = (): void => {
    const controller = new AbortController()
    setStop(controller)
    setResult({ done: 0, failed: [] })
    const each = (id: string): Promise<unknown> =>
      action === 'retry' ? retryRun(id) : cancelRun(id, { reason: 'cancelled together with others in the console' })
    void doEach(ids, each, setResult, controller.signal).then(() => setOver(true))
  }
  const end = (): void => {
    stop?.abort()
    close()
  }
  const left = meant.tag === 'chosen' ? meant.runs.length - ids.length : 0
  return (
    <Modal opened onClose={end} title={says.title}>
      <Stack gap="sm">
        {found.isError && <ErrorPanel error={found.error} />}
        {found.isPending && <Text size="sm">Counting what fits…</Text>}
        {found.isSuccess && result === null && (
          <>
            <Text size="sm">
              <strong data-testid="bulk-count">{plural(ids.length, 'run')}</strong>{' '}
              {action === 'retry' ? 'failed or cancelled' : 'waiting or running'}
              {meant.tag === 'filter' ? ' in all pages of this filter' : ' among the chosen ones'}
              {left > 0
                ? `; ${plural(left, 'other')} ${left === 1 ? 'is' : 'are'} left as ${left === 1 ? 'it is' : 'they are'}`
                : ''}
              .
            </Text>
            <Text size="sm" c="dimmed">
              {says.says}
            </Text>
          </>
        )}
        {result !== null && (
          <>
            <Progress
              value={ids.length === 0 ? 100 : (100 * (result.done + result.failed.length)) / ids.length}
              aria-label={`${result.done + result.failed.length} of ${ids.length}`}
            />
            <Text size="sm" role="status">
              {plural(result.done, 'run')} of {ids.length}
              {result.failed.length > 0 ? `, ${result.failed.length} refused` : ''}
            </Text>
            {result.failed[0] !== undefined && <ErrorPanel error={result.failed[0].error} />}
          </>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={end}>
            {over ? 'Close' : result === null ? 'Back' : 'Stop here'}
          </Button>
          {result === null && (
            <Button {...(action === 'cancel' ? { color: 'red' } : {})} disabled={ids.length === 0} onClick={begin}>
              {says.verb} {plural(ids.length, 'run')}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  )
}
