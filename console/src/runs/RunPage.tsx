import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import type { RunDetail } from '../client/model/runDetail.ts'
import { cancelRun, getGetRunQueryKey, getGetRunQueryOptions, retryRun } from '../client/runs.ts'
import { Command } from '../frame/Command.tsx'
import { ErrorPanel, FaultPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { useOffer } from '../frame/page-actions.ts'
import { PageHeader, Section } from '../frame/PageHeader.tsx'
import { PageLink } from '../frame/PageLink.tsx'
import { ask } from '../frame/reason.tsx'
import { useMay } from '../frame/session.ts'
import { Count, Lasted, Time } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import { tell } from '../frame/tell.tsx'
import { Tiles } from '../frame/Tiles.tsx'
import { Attempts } from './Attempts.tsx'
import { useRunLog } from './follow.ts'
import { RunLog } from './RunLog.tsx'
import classes from './RunPage.module.css'
import { RunResult } from './RunResult.tsx'
import { Timeline } from './Timeline.tsx'
import { shortId } from './words.ts'

const route = getRouteApi('/inside/runs/$run')

export function RunPage() {
  const { run: id } = route.useParams()
  const run = useQuery(getGetRunQueryOptions(id))
  if (run.isError)
    return (
      <>
        <PageHeader title="Run" />
        <ErrorPanel error={run.error} retry={() => void run.refetch()} />
      </>
    )
  if (run.data === undefined) return <Loading />
  // By its whole id: what the address abbreviates is the same run.
  return <Shown key={run.data.id} run={run.data} asked={id} />
}

function Shown({ run, asked }: { readonly run: RunDetail; readonly asked: string }) {
  const client = useQueryClient()
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/runs/$run' })
  const followed = useRunLog(run.id, () => void client.invalidateQueries({ queryKey: getGetRunQueryKey(asked) }))
  return (
    <>
      <PageHeader title={`Run ${shortId(run.id)}`} about={<About run={run} />}>
        <Actions run={run} asked={asked} />
      </PageHeader>
      <Stack gap="md">
        {run.error !== null && (
          <FaultPanel fault={{ ...run.error, title: run.error.summary, where: { ...run.error.where } }} />
        )}
        {run.reason !== null && (
          <Text>
            {run.outcome === 'skipped' ? 'Skipped: ' : run.outcome === 'cancelled' ? 'Cancelled: ' : ''}
            {run.reason}
          </Text>
        )}
        {run.cancelling !== null && run.outcome === null && (
          <Text role="status">
            {run.cancelling.by} asked to cancel it <Time at={run.cancelling.at} />
            {run.cancelling.reason === null ? '' : `: ${run.cancelling.reason}`}. It stops as soon as its worker
            notices.
          </Text>
        )}
        {run.outcome === null && run.notBefore !== null && (
          <Text>
            The next attempt begins <Time at={run.notBefore} />.
          </Text>
        )}
      </Stack>
      <div className={classes['parts']}>
        <Facts run={run} />
        <Timeline run={run} progress={followed.progress} />
        {run.attempts.length > 1 && <Attempts attempts={run.attempts} />}
        <RunResult run={run} />
        <RunLog
          run={run.id}
          followed={followed}
          level={search.level ?? 'info'}
          text={search.q ?? ''}
          onChange={(part) =>
            void navigate({
              search: { ...search, ...part, ...(part.level === 'info' ? { level: undefined } : {}) },
              replace: true,
            })
          }
        />
        <Section title="The same as a command line">
          <Stack gap="xs" align="flex-start">
            <Command text={run.command} />
            <Command text={`sluice logs ${shortId(run.id)} --follow`} label="Follow its log" />
          </Stack>
        </Section>
      </div>
    </>
  )
}

function About({ run }: { readonly run: RunDetail }) {
  return (
    <Group gap="xs">
      <State state={run.state} />
      <span>
        {run.operation} of{' '}
        <PageLink to="/flows/$flow" params={{ flow: run.flow }} underline="always" inherit>
          {run.flow}
        </PageLink>
      </span>
      <span>
        asked by {run.trigger === 'schedule' ? 'its schedule' : `${run.requestedBy} (${run.trigger})`}{' '}
        <Time at={run.requestedAt} show="both" />
      </span>
      {run.dueAt !== null && (
        <span>
          due <Time at={run.dueAt} show="short" />
        </span>
      )}
      {run.backfill !== null && (
        <PageLink to="/backfills/$backfill" params={{ backfill: run.backfill }} underline="always" inherit>
          backfill {shortId(run.backfill)}
        </PageLink>
      )}
    </Group>
  )
}

function Facts({ run }: { readonly run: RunDetail }) {
  const { changes } = run
  const facts = [
    { name: 'Waited', value: <Lasted from={run.requestedAt} to={run.startedAt ?? run.finishedAt} /> },
    { name: 'Worked', value: <Lasted from={run.startedAt} to={run.finishedAt} /> },
    { name: 'Rows', value: <Count value={run.rows} /> },
    ...(changes === null
      ? []
      : [
          { name: 'Inserted', value: <Count value={changes.inserted} /> },
          { name: 'Changed', value: <Count value={changes.changed} /> },
          { name: 'Deleted', value: <Count value={changes.deleted} /> },
          { name: 'Unchanged', value: <Count value={changes.unchanged} /> },
        ]),
  ]
  return <Tiles tiles={facts} />
}

function Actions({ run, asked }: { readonly run: RunDetail; readonly asked: string }) {
  const may = useMay('operator')
  const client = useQueryClient()
  const navigate = useNavigate()
  const cancel = useMutation({
    mutationFn: (reason: string | null) => cancelRun(run.id, { reason }),
    onSuccess: () => client.invalidateQueries({ queryKey: getGetRunQueryKey(asked) }),
  })
  const retry = useMutation({
    mutationFn: () => retryRun(run.id),
    onSuccess: async (answer) => {
      tell(
        answer.joined ? 'The same work was asked for already' : 'A new run of the same request',
        answer.warning ?? undefined,
      )
      await navigate({ to: '/runs/$run', params: { run: answer.run.id } })
    },
  })
  const open = run.outcome === null
  const { mutate: cancelIt } = cancel
  const { mutate: retryIt } = retry
  const actions = useMemo(() => {
    const question = {
      title: 'Cancel the run',
      says: 'It stops as soon as its worker notices, and publishes nothing that is not published already.',
      action: 'Cancel the run',
      danger: true,
    }
    if (!may) return []
    return open
      ? [{ label: 'Cancel', run: () => ask(question, (reason) => cancelIt(reason)) }]
      : [{ label: 'Retry', run: () => retryIt() }]
  }, [may, open, cancelIt, retryIt])
  useOffer(actions)
  return (
    <>
      {actions.map((action) => (
        <Button
          key={action.label}
          variant={action.label === 'Retry' && run.outcome === 'failed' ? 'filled' : 'default'}
          size="xs"
          loading={cancel.isPending || retry.isPending}
          onClick={action.run}
        >
          {action.label}
        </Button>
      ))}
    </>
  )
}
