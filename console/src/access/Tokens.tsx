import { Badge, Button, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { getListTokensQueryKey, listTokens, useRevokeToken } from '../client/access.ts'
import type { Token } from '../client/model/token.ts'
import { DataTable, type Column } from '../frame/DataTable.tsx'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { useOffer } from '../frame/page-actions.ts'
import { Section } from '../frame/PageHeader.tsx'
import { usePages } from '../frame/pages.ts'
import { ask } from '../frame/reason.tsx'
import { None, Time } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import { tell } from '../frame/tell.tsx'
import { inWords } from './claims.ts'
import { TokenForm } from './TokenForm.tsx'

export function Tokens() {
  const [making, setMaking] = useState(false)
  useOffer(useMemo(() => [{ label: 'New token', run: () => setMaking(true) }], []))
  const pages = usePages(['/api/tokens'], (cursor, signal) => listTokens({ limit: 100, cursor }, { signal }))
  const client = useQueryClient()
  const revoke = useRevokeToken({
    mutation: {
      onSuccess: async (token) => {
        tell('Token revoked', `${token.name} is refused from now on.`)
        await client.invalidateQueries({ queryKey: [getListTokensQueryKey()[0]] })
      },
    },
  })
  const columns = useMemo((): readonly Column<Token>[] => {
    const end = (token: Token): void =>
      ask(
        {
          title: `Revoke ${token.name}?`,
          says: 'From now on it is refused, and sessions opened with it end. This cannot be undone.',
          action: 'Revoke',
          reason: null,
          danger: true,
        },
        () => revoke.mutate({ token: token.id }),
      )
    return [
      {
        id: 'name',
        head: 'Name',
        width: '20%',
        wrap: true,
        cell: (token) => (
          <>
            <strong>{token.name}</strong>
            <Text size="xs" c="dimmed" hiddenFrom="sm">
              {token.role ?? 'endpoints only'}
            </Text>
          </>
        ),
      },
      { id: 'state', head: 'State', width: '110px', cell: (token) => <State state={token.state} /> },
      {
        id: 'role',
        head: 'Role',
        width: '130px',
        hide: 'phone',
        cell: (token) => (
          <Badge variant="default" tt="none" fw={500}>
            {token.role ?? 'endpoints only'}
          </Badge>
        ),
      },
      {
        id: 'prefix',
        head: 'Begins with',
        width: '130px',
        hide: 'tablet',
        cell: (token) => <code>{token.prefix}…</code>,
      },
      {
        id: 'claims',
        head: 'Claims',
        hide: 'tablet',
        cell: (token) => {
          const words = inWords(token.claims)
          return words === '' ? <None says="no claims" /> : <span title={words}>{words}</span>
        },
      },
      {
        id: 'for',
        head: 'Acts for',
        width: '120px',
        hide: 'tablet',
        cell: (token) => token.principal?.name ?? <None says="nobody in particular" />,
      },
      {
        id: 'used',
        head: 'Used',
        width: '100px',
        hide: 'phone',
        cell: (token) => (token.lastUsedAt === null ? 'never' : <Time at={token.lastUsedAt} />),
      },
      {
        id: 'expires',
        head: 'Expires',
        width: '110px',
        hide: 'phone',
        cell: (token) => (token.expiresAt === null ? 'never' : <Time at={token.expiresAt} />),
      },
      {
        id: 'act',
        head: 'Actions',
        width: '96px',
        align: 'right',
        cell: (token) =>
          token.state === 'active' ? (
            <Button size="compact-xs" variant="default" aria-label={`Revoke ${token.name}`} onClick={() => end(token)}>
              Revoke
            </Button>
          ) : null,
      },
    ]
  }, [revoke])
  return (
    <>
      <Section
        title="Tokens"
        flush
        aside={
          <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setMaking(true)}>
            New token
          </Button>
        }
      >
        {pages.error !== null ? (
          <ErrorPanel error={pages.error} retry={pages.retry} />
        ) : pages.pending ? (
          <Loading rows={3} />
        ) : (
          <DataTable
            label="Tokens"
            columns={columns}
            rows={pages.rows}
            rowKey={(token) => token.id}
            total={pages.total}
            onMore={pages.more}
            loadingMore={pages.loadingMore}
            empty={
              <Empty title="No tokens" command="sluice token create --name ci --role operator">
                An application or a script asks the API with a token. Make one here, or on the command line.
              </Empty>
            }
          />
        )}
      </Section>
      {making && <TokenForm close={() => setMaking(false)} />}
    </>
  )
}
