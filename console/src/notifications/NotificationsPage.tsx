import { Anchor, Button, Drawer, Stack, Text, Title } from '@mantine/core'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { listNotifications } from '../client/notifications.ts'
import type { Delivery } from '../client/model/delivery.ts'
import type { Notification } from '../client/model/notification.ts'
import { Command } from '../frame/Command.tsx'
import { DataTable, type Column } from '../frame/DataTable.tsx'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Facts } from '../frame/Facts.tsx'
import { Loading } from '../frame/Loading.tsx'
import { plural } from '../frame/number.ts'
import { PageHeader, Section } from '../frame/PageHeader.tsx'
import { usePages } from '../frame/pages.ts'
import { None, Time } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import { arrivalOf, gistOf } from './delivery.ts'
import { Webhooks } from './Webhooks.tsx'

const route = getRouteApi('/inside/notifications')

function Deliveries({ deliveries }: { readonly deliveries: readonly Delivery[] }) {
  if (deliveries.length === 0) return <p>No webhook of the config is told of this.</p>
  return deliveries.map(({ webhook, state, attempts, nextAt, deliveredAt, givenUpAt, error }) => (
    <section key={webhook} aria-label={webhook}>
      <Facts
        facts={[
          ['Webhook', <code key="webhook">{webhook}</code>],
          ['State', <State key="state" state={state} />],
          ['Tried', plural(attempts, 'time')],
          nextAt === null ? null : ['Next', <Time key="next" at={nextAt} />],
          deliveredAt === null ? null : ['Arrived', <Time key="arrived" at={deliveredAt} show="both" />],
          givenUpAt === null ? null : ['Given up', <Time key="given up" at={givenUpAt} show="both" />],
          error === null ? null : ['Why', error],
        ]}
      />
    </section>
  ))
}

export function NotificationsPage() {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/notifications' })
  const show = (open: string | undefined): void => void navigate({ search: { open }, replace: true })
  const pages = usePages(['/api/notifications'], (cursor, signal) =>
    listNotifications({ limit: 100, cursor }, { signal }),
  )
  const columns: readonly Column<Notification>[] = [
    { id: 'at', head: 'When', width: '112px', cell: ({ createdAt }) => <Time at={createdAt} show="short" /> },
    {
      id: 'kind',
      head: 'What',
      width: '12%',
      cell: ({ id, kind, flow }) => (
        <>
          <Button
            variant="transparent"
            size="compact-sm"
            px={0}
            onClick={() => show(id)}
            aria-label={`${kind}${flow === null ? '' : ` of ${flow}`}: what was sent`}
          >
            {kind}
          </Button>
          {flow !== null && (
            <Text size="xs" c="dimmed" lh={1.2} truncate hiddenFrom="sm">
              {flow}
            </Text>
          )}
        </>
      ),
    },
    {
      id: 'flow',
      head: 'Flow',
      width: '22%',
      hide: 'phone',
      cell: ({ flow }) =>
        flow === null ? (
          <None says="no flow" />
        ) : (
          <Anchor component={Link} to={`/flows/${flow}`}>
            {flow}
          </Anchor>
        ),
    },
    {
      id: 'gist',
      head: 'Says',
      hide: 'tablet',
      cell: ({ payload }) => <span title={gistOf(payload)}>{gistOf(payload)}</span>,
    },
    {
      id: 'arrived',
      head: 'Arrived',
      width: '130px',
      cell: ({ deliveries }) => (
        <State
          state={arrivalOf(deliveries)}
          says={deliveries.map(({ webhook, error }) => (error === null ? webhook : `${webhook}: ${error}`)).join('; ')}
        />
      ),
    },
  ]
  const open = pages.rows.find(({ id }) => id === search.open)
  return (
    <>
      <PageHeader
        title="Notifications"
        about="What happens to a flow is told once, when it changes: it failed, is late, was held back by its guard, has recovered."
      />
      <Webhooks />
      <Section title="What was sent" flush>
        {pages.error !== null ? (
          <ErrorPanel error={pages.error} retry={pages.retry} />
        ) : pages.pending ? (
          <Loading />
        ) : (
          <DataTable
            label="What was sent"
            columns={columns}
            rows={pages.rows}
            rowKey={({ id }) => id}
            total={pages.total}
            onMore={pages.more}
            loadingMore={pages.loadingMore}
            empty={<Empty title="Nothing was sent yet">No flow has failed, been late or been held back so far.</Empty>}
          />
        )}
      </Section>
      <Drawer
        opened={open !== undefined}
        onClose={() => show(undefined)}
        position="right"
        size="lg"
        title={open === undefined ? '' : `${open.kind}${open.flow === null ? '' : `: ${open.flow}`}`}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {open !== undefined && (
          <Stack>
            <Facts facts={[['Told', <Time key="at" at={open.createdAt} show="both" />]]} />
            <Title order={2} size="h5">
              Deliveries
            </Title>
            <Deliveries deliveries={open.deliveries} />
            <Title order={2} size="h5">
              What is sent
            </Title>
            <Command text={JSON.stringify(open.payload, null, 2)} label="What is sent" />
          </Stack>
        )}
      </Drawer>
    </>
  )
}
