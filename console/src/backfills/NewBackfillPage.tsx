import { Button, Checkbox, Group, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { Suspense, useState } from 'react'
import { createBackfill, previewBackfill } from '../client/backfills.ts'
import { getListFlowsQueryOptions } from '../client/flows.ts'
import type { BackfillPreview } from '../client/model/backfillPreview.ts'
import { Command } from '../frame/Command.tsx'
import { curl } from '../frame/curl.ts'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { count, plural } from '../frame/number.ts'
import { PageHeader, Section } from '../frame/PageHeader.tsx'
import { kinds } from '../kinds/kinds.ts'
import classes from './Backfills.module.css'
import { backfillCommand } from './command.ts'
import type { NewBackfillSearch } from './routes.ts'

const route = getRouteApi('/inside/backfills/new')

/** What is asked for, as the API takes it. */
function rangeOf({ from, to, slices, force, grain, clear }: NewBackfillSearch) {
  const keys = (slices ?? '').split(/[\s,]+/).filter((key) => key !== '')
  return {
    from: from ?? null,
    to: to ?? null,
    slices: keys.length === 0 ? null : keys,
    force: force === 'yes',
    grain: grain ?? null,
    clear: clear === 'yes',
  }
}

/**
 *     asking ──preview──> previewed ──begin──> its page
 *        ^                    │
 *        └──anything changed──┘
 */
export function NewBackfillPage() {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/backfills/new' })
  const flows = useQuery(getListFlowsQueryOptions({ limit: 500 }))
  const [atOnce, setAtOnce] = useState(2)
  const range = rangeOf(search)
  const asked = JSON.stringify([search.flow, range])
  const preview = useMutation({
    mutationFn: async (flow: string) => ({ asked, found: await previewBackfill(flow, range) }),
    meta: { quiet: true },
  })
  const begin = useMutation({
    mutationFn: (flow: string) => createBackfill(flow, { ...range, atOnce }),
    onSuccess: (made) => navigate({ to: '/backfills/$backfill', params: { backfill: made.id } }),
    meta: { quiet: true },
  })
  const set = (part: NewBackfillSearch): void => {
    begin.reset()
    void navigate({ search: { ...search, ...part }, replace: true })
  }
  const { flow } = search
  // Another kind may not know what was asked of the one before.
  const choose = (name: string | undefined): void =>
    set({ flow: name, from: undefined, to: undefined, slices: undefined, grain: undefined, clear: undefined })
  const Range = kinds[flows.data?.items.find(({ name }) => name === flow)?.kind ?? '']?.Range
  const shown = preview.data?.asked === asked ? preview.data.found : null
  return (
    <>
      <PageHeader
        title="New backfill"
        about="Redoes slices, newest first, each as a run of its own behind the live work. Nothing begins before you have seen which."
      />
      <div className={classes['columns']}>
        <Section title="What">
          <form
            onSubmit={(event) => {
              event.preventDefault()
              if (flow !== undefined) preview.mutate(flow)
            }}
          >
            <Stack gap="sm">
              <Select
                label="Flow"
                placeholder="Choose one"
                data={flows.data?.items.map(({ name, kind }) => ({ value: name, label: `${name} (${kind})` })) ?? []}
                value={flow ?? null}
                onChange={(name) => choose(name ?? undefined)}
                searchable
                required
                nothingFoundMessage="No flow of that name"
              />
              {Range !== undefined && flow !== undefined ? (
                <Suspense fallback={<Loading rows={2} />}>
                  <Range flow={flow} range={search} set={set} />
                </Suspense>
              ) : (
                <Group grow align="flex-start">
                  <TextInput
                    label="From"
                    description="The beginning, as its kind reads it. Empty: from the first slice on."
                    placeholder="2026-01-01"
                    value={search.from ?? ''}
                    onChange={(event) => set({ from: event.currentTarget.value })}
                  />
                  <TextInput
                    label="To"
                    description="The end, not in it. Empty: up to the newest slice."
                    placeholder="2026-02-01"
                    value={search.to ?? ''}
                    onChange={(event) => set({ to: event.currentTarget.value })}
                  />
                </Group>
              )}
              <TextInput
                label="Slices"
                description="Only these, by key, with commas between. Empty: all of the range."
                value={search.slices ?? ''}
                onChange={(event) => set({ slices: event.currentTarget.value })}
              />
              <Checkbox
                label="Also what is up to date"
                description="Redoes slices that are done, too, and publishes whatever the guard says."
                checked={search.force === 'yes'}
                onChange={(event) => set({ force: event.currentTarget.checked ? 'yes' : undefined })}
              />
              <NumberInput
                label="At once"
                description="How many of its slices are worked on at the same time, 1 to 16."
                min={1}
                max={16}
                clampBehavior="strict"
                allowDecimal={false}
                value={atOnce}
                onChange={(value) => setAtOnce(typeof value === 'number' ? value : 2)}
              />
              <Button
                type="submit"
                variant={shown === null ? 'filled' : 'default'}
                loading={preview.isPending}
                disabled={flow === undefined}
              >
                Show the slices
              </Button>
            </Stack>
          </form>
        </Section>
        <Stack gap="md">
          {preview.isError && <ErrorPanel error={preview.error} />}
          {begin.isError && <ErrorPanel error={begin.error} />}
          {shown === null || flow === undefined ? (
            <Section title="The exact slices">
              <Empty title={preview.isPending ? 'Asking its kind…' : 'Not asked yet'}>
                The slices that would be redone stand here before anything begins.
              </Empty>
            </Section>
          ) : (
            <>
              <Preview found={shown} />
              <Button disabled={shown.slices.length === 0} loading={begin.isPending} onClick={() => begin.mutate(flow)}>
                Begin: {plural(shown.slices.length, 'slice')}, {atOnce} at once
              </Button>
              <Section title="The same as a command line">
                <Stack gap="xs">
                  <Command text={backfillCommand(flow, { ...range, atOnce })} />
                  <Command
                    label="As a request"
                    text={curl({
                      method: 'POST',
                      url: `${window.location.origin}/api/flows/${encodeURIComponent(flow)}/backfills`,
                      body: { ...range, atOnce },
                    })}
                  />
                </Stack>
              </Section>
            </>
          )}
        </Stack>
      </div>
    </>
  )
}

function Preview({ found }: { readonly found: BackfillPreview }) {
  return (
    <Section
      title={`${plural(found.slices.length, 'slice')} would be redone`}
      aside={
        <Text size="xs" c="dimmed">
          in this order
        </Text>
      }
      flush
    >
      {found.slices.length === 0 && (
        <Empty title="Nothing to do">
          All of this range is up to date. “Also what is up to date” redoes it all the same.
        </Empty>
      )}
      <div className={classes['preview']} tabIndex={0} role="region" aria-label="The exact slices">
        <Stack gap={2} p={found.slices.length === 0 ? 0 : 'sm'}>
          {found.slices.slice(0, 1_000).map(({ key, why }) => (
            <div key={key}>
              <code>{key}</code>{' '}
              <Text span c="dimmed" size="sm">
                {why}
              </Text>
            </div>
          ))}
          {found.slices.length > 1_000 && <Text size="sm">and {count(found.slices.length - 1_000)} more</Text>}
          {found.skipped.length > 0 && (
            <details>
              <summary>{plural(found.skipped.length, 'slice')} left as they are</summary>
              {found.skipped.slice(0, 1_000).map(({ key, why }) => (
                <div key={key}>
                  <code>{key}</code>{' '}
                  <Text span c="dimmed" size="sm">
                    {why}
                  </Text>
                </div>
              ))}
            </details>
          )}
        </Stack>
      </div>
    </Section>
  )
}
