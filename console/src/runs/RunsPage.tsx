import { Button, Group, Text } from '@mantine/core'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { listRuns } from '../client/runs.ts'
import { useNow } from '../frame/clock.ts'
import { DataTable } from '../frame/DataTable.tsx'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { plural } from '../frame/number.ts'
import { PageHeader, Section } from '../frame/PageHeader.tsx'
import { PageLink } from '../frame/PageLink.tsx'
import { usePages } from '../frame/pages.ts'
import { useMay } from '../frame/session.ts'
import type { BulkAction } from './bulk.ts'
import { BulkModal, type Meant } from './BulkBar.tsx'
import { runColumns } from './columns.tsx'
import { isFiltered, type RunsSearch, runsParams } from './filter.ts'
import { RunFilters } from './RunFilters.tsx'
import { shortId } from './words.ts'

const route = getRouteApi('/inside/runs')

export function RunsPage() {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/runs' })
  const now = useNow(60_000)
  const params = runsParams(search, now.getTime())
  const runs = usePages(['/api/runs', params], (cursor, signal) =>
    listRuns({ ...params, limit: 100, ...(cursor === undefined ? {} : { cursor }) }, { signal }),
  )
  const { rows, total } = runs
  const may = useMay('operator')
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [bulk, setBulk] = useState<{ readonly action: BulkAction; readonly meant: Meant } | null>(null)
  const filter = (next: RunsSearch): void => {
    setChosen(new Set())
    void navigate({ search: next, replace: true })
  }
  const picked = rows.filter(({ id }) => chosen.has(id))
  const meant: Meant = picked.length > 0 ? { tag: 'chosen', runs: picked } : { tag: 'filter', search }
  return (
    <>
      <PageHeader
        title="Runs"
        about={
          total === null
            ? 'Each request to bring slices up to date, newest first.'
            : plural(total, isFiltered(search) ? 'run fits' : 'run', isFiltered(search) ? 'runs fit' : 'runs')
        }
      >
        {may && rows.length > 0 && (
          <Group gap="xs">
            <Text size="sm" c="dimmed" role="status">
              {picked.length > 0
                ? `With ${picked.length} chosen:`
                : isFiltered(search)
                  ? 'With all that fit:'
                  : 'With all of them:'}
            </Text>
            <Button variant="default" size="xs" onClick={() => setBulk({ action: 'retry', meant })}>
              Retry…
            </Button>
            <Button variant="default" size="xs" onClick={() => setBulk({ action: 'cancel', meant })}>
              Cancel…
            </Button>
          </Group>
        )}
      </PageHeader>
      <RunFilters search={search} onChange={filter} />
      {search.backfill !== undefined && (
        <Text size="sm" mb="sm">
          Only of the backfill{' '}
          <PageLink to="/backfills/$backfill" params={{ backfill: search.backfill }} underline="always" inherit>
            {shortId(search.backfill)}
          </PageLink>
          .
        </Text>
      )}
      {runs.error !== null ? (
        <ErrorPanel error={runs.error} retry={runs.retry} />
      ) : runs.pending ? (
        <Loading />
      ) : (
        <Section title="History" flush>
          <DataTable
            label="Runs"
            columns={runColumns}
            rows={rows}
            rowKey={({ id }) => id}
            total={total}
            {...(may ? { chosen: { keys: chosen, onChange: setChosen } } : {})}
            onMore={runs.more}
            loadingMore={runs.loadingMore}
            empty={
              isFiltered(search) ? (
                <Empty
                  title="No run fits"
                  action={
                    <Button variant="default" size="xs" onClick={() => filter({})}>
                      Clear the filter
                    </Button>
                  }
                >
                  The history is kept for as long as `retention.runs` of the config says.
                </Empty>
              ) : (
                <Empty title="No run yet" command="sluice run --all">
                  Bring all flows up to date now; their schedules do the same when they are due.
                </Empty>
              )
            }
          />
        </Section>
      )}
      {bulk !== null && (
        <BulkModal
          {...bulk}
          close={() => {
            setBulk(null)
            setChosen(new Set())
            runs.retry()
          }}
        />
      )}
    </>
  )
}
