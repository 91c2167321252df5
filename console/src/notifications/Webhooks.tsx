import { Button, Text } from '@mantine/core'
import { IconSend } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { getListNotificationsQueryKey, useListWebhooks, useTestWebhook } from '../client/notifications.ts'
import type { Webhook } from '../client/model/webhook.ts'
import { DataTable, type Column } from '../frame/DataTable.tsx'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel, FaultPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { Section } from '../frame/PageHeader.tsx'
import { useMay } from '../frame/session.ts'
import { tell } from '../frame/tell.tsx'

/** The webhooks of the config, each with a button that sends a test. Their addresses are secrets, and not shown. */
export function Webhooks() {
  const query = useListWebhooks()
  const may = useMay('operator')
  const client = useQueryClient()
  const test = useTestWebhook({
    mutation: {
      onSuccess: async (sent) => {
        const [delivery] = sent.deliveries
        if (delivery?.state === 'delivered') tell('The test arrived', `${delivery.webhook} took it.`)
        await client.invalidateQueries({ queryKey: [getListNotificationsQueryKey()[0]] })
      },
    },
  })
  const failed = test.data?.deliveries.find(({ state }) => state !== 'delivered')
  const columns: readonly Column<Webhook>[] = [
    { id: 'id', head: 'Webhook', width: '20%', cell: ({ id }) => <code>{id}</code> },
    {
      id: 'on',
      head: 'Is told of',
      wrap: true,
      cell: ({ on }) => on.join(', '),
    },
    { id: 'signed', head: 'Signed', width: '100px', hide: 'phone', cell: ({ signed }) => (signed ? 'yes' : 'no') },
    {
      id: 'act',
      head: 'Actions',
      width: '150px',
      align: 'right',
      cell: ({ id }) =>
        may ? (
          <Button
            size="compact-xs"
            variant="default"
            leftSection={<IconSend size={13} aria-hidden />}
            loading={test.isPending && test.variables.data.webhook === id}
            onClick={() => test.mutate({ data: { webhook: id } })}
            aria-label={`Send a test to ${id}`}
          >
            Send a test
          </Button>
        ) : null,
    },
  ]
  return (
    <>
      {failed !== undefined && (
        <FaultPanel
          fault={{
            code: 'WEBHOOK_FAILED',
            title: `The test did not arrive at ${failed.webhook}`,
            why: failed.error ?? 'it was not delivered',
            fix: 'correct the address in the config, or look at the log of the receiver, and send another test',
          }}
        />
      )}
      <Section title="Webhooks" flush>
        {query.error !== null ? (
          <ErrorPanel error={query.error} retry={() => void query.refetch()} />
        ) : query.data === undefined ? (
          <Loading rows={2} />
        ) : (
          <DataTable
            label="Webhooks"
            columns={columns}
            rows={query.data.items}
            rowKey={({ id }) => id}
            empty={
              <Empty
                title="Nobody is told"
                command={`notify: [{ webhook: secret('ops_webhook'), on: ['failed', 'late', 'recovered', 'guard'] }]`}
              >
                A line in the config has Sluice send what happens to a chat, a pager or a program of yours.
              </Empty>
            }
          />
        )}
      </Section>
      {!may && query.data !== undefined && query.data.items.length > 0 && (
        <Text size="sm" c="dimmed" mb="md">
          Operators can send a test.
        </Text>
      )}
    </>
  )
}
