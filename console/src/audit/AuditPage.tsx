import { Button, Text, Drawer, Group, Select, Stack, TextInput, Title } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { listAudit } from '../client/access.ts'
import type { AuditRecord } from '../client/model/auditRecord.ts'
import { DataTable, type Column } from '../frame/DataTable.tsx'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Facts } from '../frame/Facts.tsx'
import { Loading } from '../frame/Loading.tsx'
import { PageHeader, Section } from '../frame/PageHeader.tsx'
import { usePages } from '../frame/pages.ts'
import { textIn } from '../frame/search.ts'
import { Time } from '../frame/shown.tsx'
import { useZone } from '../frame/zone.tsx'
import { Diff } from './Diff.tsx'
import { inShort, subjectOf } from './diff.ts'
import { midnight } from './midnight.ts'
import type { AuditSearch } from './routes.ts'

const route = getRouteApi('/inside/audit')

/** What can change, as the first part of an action. */
const subjects = ['flow', 'run', 'slice', 'backfill', 'token', 'principal', 'session', 'link', 'notification'] as const

function Filters({
  search,
  set,
}: {
  readonly search: AuditSearch
  readonly set: (change: Partial<AuditSearch>) => void
}) {
  const [actor, setActor] = useState(search.actor ?? '')
  const [subject, setSubject] = useState(search.subject ?? '')
  const actions = [...subjects, ...(search.action === undefined ? [] : [search.action])]
  const filtered = Object.entries(search).some(([name, value]) => name !== 'entry' && value !== undefined)
  return (
    <form
      role="search"
      aria-label="Audit"
      onSubmit={(event) => {
        event.preventDefault()
        set({ actor: textIn(actor), subject: textIn(subject) })
      }}
    >
      <Group gap="xs" mb="md" align="flex-end">
        <TextInput
          type="search"
          label="Done to"
          size="xs"
          placeholder="a flow, an id"
          leftSection={<IconSearch size={14} aria-hidden />}
          value={subject}
          onChange={(event) => setSubject(event.currentTarget.value)}
          onBlur={() => set({ subject: textIn(subject) })}
        />
        <TextInput
          label="By"
          size="xs"
          placeholder="a name"
          value={actor}
          onChange={(event) => setActor(event.currentTarget.value)}
          onBlur={() => set({ actor: textIn(actor) })}
        />
        <Select
          label="What"
          size="xs"
          placeholder="Anything"
          clearable
          searchable
          w={150}
          data={[...new Set(actions)]}
          value={search.action ?? null}
          onChange={(value) => set({ action: value ?? undefined })}
        />
        <TextInput
          type="date"
          label="From"
          size="xs"
          value={search.from ?? ''}
          onChange={(event) => set({ from: textIn(event.currentTarget.value) })}
        />
        <TextInput
          type="date"
          label="To"
          size="xs"
          value={search.to ?? ''}
          onChange={(event) => set({ to: textIn(event.currentTarget.value) })}
        />
        <Button type="submit" size="xs" variant="default">
          Find
        </Button>
        {filtered && (
          <Button
            size="xs"
            variant="subtle"
            onClick={() => {
              setActor('')
              setSubject('')
              set({ actor: undefined, action: undefined, subject: undefined, from: undefined, to: undefined })
            }}
          >
            Clear
          </Button>
        )}
      </Group>
    </form>
  )
}

const by = { token: 'by token', session: 'in the console', jwt: 'by JWT', system: 'on the machine' } as const

export function AuditPage() {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/audit' })
  const zone = useZone()
  const set = (change: Partial<AuditSearch>): void =>
    void navigate({ search: (before: AuditSearch) => ({ ...before, entry: undefined, ...change }), replace: true })
  const { actor, action, subject, from, to } = search
  const filter = useMemo(
    () => ({
      actor,
      action,
      subject,
      since: from === undefined ? undefined : midnight(from, zone).toISOString(),
      until: to === undefined ? undefined : midnight(to, zone, 1).toISOString(),
    }),
    [actor, action, subject, from, to, zone],
  )
  const pages = usePages(['/api/audit', filter], (cursor, signal) =>
    listAudit({ ...filter, limit: 100, cursor }, { signal }),
  )
  const columns: readonly Column<AuditRecord>[] = [
    { id: 'at', head: 'When', width: '112px', cell: (record) => <Time at={record.at} show="short" /> },
    {
      id: 'actor',
      head: 'By',
      width: '96px',
      cell: (record) => <span title={by[record.actor.by]}>{record.actor.name}</span>,
    },
    {
      id: 'action',
      head: 'What',
      width: '16%',
      wrap: true,
      cell: (record) => (
        <>
          <Button
            variant="transparent"
            size="compact-sm"
            px={0}
            onClick={() => set({ entry: record.id })}
            aria-label={`${record.action} ${record.subject}: what changed`}
          >
            {record.action}
          </Button>
          <Text size="xs" c="dimmed" hiddenFrom="sm">
            {subjectOf(record)}
          </Text>
        </>
      ),
    },
    {
      id: 'subject',
      head: 'Done to',
      width: '22%',
      hide: 'phone',
      cell: (record) => <span title={record.subject}>{subjectOf(record)}</span>,
    },
    {
      id: 'change',
      head: 'Change',
      hide: 'tablet',
      cell: (record) => {
        const words = inShort(record.before, record.after)
        return <code title={words}>{words}</code>
      },
    },
  ]
  const open = pages.rows.find(({ id }) => id === search.entry)
  return (
    <>
      <PageHeader
        title="Audit"
        about="Every change: who, what, before and after. Kept in the state database, never with secrets."
      />
      <Filters key={`${actor} ${subject}`} search={search} set={set} />
      <Section title="Changes" flush>
        {pages.error !== null ? (
          <ErrorPanel error={pages.error} retry={pages.retry} />
        ) : pages.pending ? (
          <Loading />
        ) : (
          <DataTable
            label="Changes"
            columns={columns}
            rows={pages.rows}
            rowKey={(record) => record.id}
            total={pages.total}
            onMore={pages.more}
            loadingMore={pages.loadingMore}
            empty={
              <Empty title="No change fits">
                Nothing that fits the filter was changed. Without a filter the list begins with the first admin&apos;s
                sign-in.
              </Empty>
            }
          />
        )}
      </Section>
      <Drawer
        opened={open !== undefined}
        onClose={() => set({})}
        position="right"
        size="lg"
        title={open === undefined ? '' : `${open.action}: ${subjectOf(open)}`}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {open !== undefined && (
          <Stack>
            <Facts
              facts={[
                ['When', <Time key="at" at={open.at} show="both" />],
                ['By', `${open.actor.name}, ${by[open.actor.by]}`],
                ['Done to', open.subject],
                open.requestId === null ? null : ['Request', <code key="request">{open.requestId}</code>],
              ]}
            />
            <Title order={2} size="h5">
              What changed
            </Title>
            <Diff before={open.before} after={open.after} />
          </Stack>
        )}
      </Drawer>
    </>
  )
}
