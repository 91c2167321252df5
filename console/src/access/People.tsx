import { ActionIcon, Badge, Button, Menu, Modal, Text } from '@mantine/core'
import { IconDots, IconLink, IconLock, IconLockOpen, IconPencil, IconPlus, IconTrash } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import {
  getListPrincipalsQueryKey,
  listPrincipals,
  useChangePrincipal,
  useCreateSignInLink,
  useRemovePrincipal,
} from '../client/access.ts'
import type { Principal } from '../client/model/principal.ts'
import { DataTable, type Column } from '../frame/DataTable.tsx'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { useOffer } from '../frame/page-actions.ts'
import { Section } from '../frame/PageHeader.tsx'
import { usePages } from '../frame/pages.ts'
import { ask } from '../frame/reason.tsx'
import { useSession } from '../frame/session.ts'
import { None, Time } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import { tell } from '../frame/tell.tsx'
import { inWords } from './claims.ts'
import { PersonForm } from './PersonForm.tsx'
import { Secret } from './Secret.tsx'

type Open =
  | { readonly tag: 'none' }
  | { readonly tag: 'new' }
  | { readonly tag: 'change'; readonly person: Principal }
  | { readonly tag: 'link'; readonly person: Principal; readonly url: string }

/** What can be done with a person. A refusal (the last admin) is told with its reason, and nothing changes. */
function useActs(open: (what: Open) => void) {
  const client = useQueryClient()
  const again = () => client.invalidateQueries({ queryKey: [getListPrincipalsQueryKey()[0]] })
  const change = useChangePrincipal({
    mutation: {
      onSuccess: async (person) => {
        tell(person.disabled ? `${person.name} is disabled` : `${person.name} may sign in again`)
        await again()
      },
    },
  })
  const remove = useRemovePrincipal({ mutation: { onSuccess: again } })
  const link = useCreateSignInLink()
  return {
    link: (person: Principal) =>
      link.mutate({ principal: person.id }, { onSuccess: ({ url }) => open({ tag: 'link', person, url }) }),
    disable: (person: Principal) =>
      ask(
        {
          title: `Disable ${person.name}?`,
          says: 'Sessions end at once, tokens made for this person are refused, signing in is not possible.',
          action: 'Disable',
          reason: null,
          danger: true,
        },
        () => change.mutate({ principal: person.id, data: { disabled: true } }),
      ),
    enable: (person: Principal) => change.mutate({ principal: person.id, data: { disabled: false } }),
    remove: (person: Principal) =>
      ask(
        {
          title: `Remove ${person.name}?`,
          says: 'Sessions end, tokens made for this person are revoked. What the person did stays in the audit.',
          action: 'Remove',
          reason: null,
          danger: true,
        },
        () => remove.mutate({ principal: person.id }),
      ),
  }
}

function PersonMenu({
  person,
  acts,
  open,
}: {
  readonly person: Principal
  readonly acts: ReturnType<typeof useActs>
  readonly open: (what: Open) => void
}) {
  const icon = { size: 16, 'aria-hidden': true } as const
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`What can be done with ${person.name}`}>
          <IconDots size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconPencil {...icon} />} onClick={() => open({ tag: 'change', person })}>
          Change
        </Menu.Item>
        <Menu.Item leftSection={<IconLink {...icon} />} disabled={person.disabled} onClick={() => acts.link(person)}>
          Sign-in link
        </Menu.Item>
        {person.disabled ? (
          <Menu.Item leftSection={<IconLockOpen {...icon} />} onClick={() => acts.enable(person)}>
            Enable
          </Menu.Item>
        ) : (
          <Menu.Item leftSection={<IconLock {...icon} />} onClick={() => acts.disable(person)}>
            Disable
          </Menu.Item>
        )}
        <Menu.Divider />
        <Menu.Item leftSection={<IconTrash {...icon} />} onClick={() => acts.remove(person)}>
          Remove
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

export function People() {
  const { caller } = useSession()
  const [opened, open] = useState<Open>({ tag: 'none' })
  const close = (): void => open({ tag: 'none' })
  useOffer(useMemo(() => [{ label: 'Add a person', run: () => open({ tag: 'new' }) }], []))
  const pages = usePages(['/api/principals'], (cursor, signal) => listPrincipals({ limit: 100, cursor }, { signal }))
  const acts = useActs(open)
  const columns: readonly Column<Principal>[] = [
    {
      id: 'name',
      head: 'Name',
      width: '26%',
      wrap: true,
      cell: (person) => (
        <>
          <strong>{person.name}</strong>
          {person.id === caller.id && ' (you)'}
          <Text size="xs" c="dimmed" hiddenFrom="sm">
            {person.role}
          </Text>
        </>
      ),
    },
    {
      id: 'role',
      head: 'Role',
      width: '120px',
      hide: 'phone',
      cell: (person) => (
        <Badge variant="default" tt="none" fw={500}>
          {person.role}
        </Badge>
      ),
    },
    {
      id: 'state',
      head: 'State',
      width: '120px',
      cell: (person) => <State state={person.disabled ? 'disabled' : 'active'} />,
    },
    {
      id: 'claims',
      head: 'Claims',
      hide: 'tablet',
      cell: (person) => {
        const words = inWords(person.claims)
        return words === '' ? <None says="no claims" /> : <span title={words}>{words}</span>
      },
    },
    {
      id: 'seen',
      head: 'Last seen',
      width: '120px',
      hide: 'phone',
      cell: (person) => (person.lastSeenAt === null ? 'never' : <Time at={person.lastSeenAt} />),
    },
    {
      id: 'since',
      head: 'Added',
      width: '150px',
      hide: 'tablet',
      cell: (person) => <Time at={person.createdAt} show="short" />,
    },
    {
      id: 'act',
      head: 'Actions',
      width: '96px',
      align: 'right',
      cell: (person) => <PersonMenu person={person} acts={acts} open={open} />,
    },
  ]
  return (
    <>
      <Section
        title="People"
        flush
        aside={
          <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => open({ tag: 'new' })}>
            Add a person
          </Button>
        }
      >
        {pages.error !== null ? (
          <ErrorPanel error={pages.error} retry={pages.retry} />
        ) : pages.pending ? (
          <Loading rows={3} />
        ) : (
          <DataTable
            label="People"
            columns={columns}
            rows={pages.rows}
            rowKey={(person) => person.id}
            total={pages.total}
            onMore={pages.more}
            loadingMore={pages.loadingMore}
            empty={
              <Empty title="No people">
                A person signs in by a link that works once: add one here, and make the link.
              </Empty>
            }
          />
        )}
      </Section>
      {opened.tag === 'new' && <PersonForm person={null} close={close} />}
      {opened.tag === 'change' && <PersonForm person={opened.person} close={close} />}
      <Modal
        opened={opened.tag === 'link'}
        onClose={close}
        size="lg"
        title={opened.tag === 'link' ? `A link for ${opened.person.name}` : ''}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {opened.tag === 'link' && (
          <Secret
            label="Sign-in link"
            text={opened.url}
            says={`It signs ${opened.person.name} in once, within 10 minutes. Whoever opens it first is signed in.`}
          />
        )}
      </Modal>
    </>
  )
}
