import { Group, Select, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { getGetFlowTableQueryOptions, getListEndpointsQueryOptions } from '../client/data.ts'
import { getListFlowsQueryOptions } from '../client/flows.ts'
import type { Endpoint } from '../client/model/endpoint.ts'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Facts } from '../frame/Facts.tsx'
import { Loading } from '../frame/Loading.tsx'
import { PageHeader, Section } from '../frame/PageHeader.tsx'
import { PageLink } from '../frame/PageLink.tsx'
import { useMay } from '../frame/session.ts'
import { Answer } from './Answer.tsx'
import { Ask } from './Ask.tsx'
import classes from './Data.module.css'
import { endpointKey, type Query, queryOf, tableKey, viewKey, withParameter } from './query.ts'

const route = getRouteApi('/inside/data')

const example = `endpoints: {
  airports: endpoint({
    table: 'airports',
    filter: ['state'],
    sort: ['iata'],
  }),
},
`

/** An endpoint, or for admins the table of a flow: what was chosen, else the first there is. */
function useChosen() {
  const search = route.useSearch()
  const admin = useMay('admin')
  const endpoints = useQuery(getListEndpointsQueryOptions({ limit: 500 }))
  const flows = useQuery({ ...getListFlowsQueryOptions({ limit: 500 }), enabled: admin })
  const names = endpoints.data?.items.map(({ name }) => name) ?? []
  const tables = flows.data?.items.map(({ name }) => name) ?? []
  const endpoint = search[tableKey] === undefined ? (search[endpointKey] ?? names[0]) : undefined
  const nothing = endpoint === undefined && endpoints.isSuccess
  const table = search[tableKey] ?? (nothing ? tables[0] : undefined)
  const described = useQuery({ ...getGetFlowTableQueryOptions(table ?? ''), enabled: table !== undefined })
  return {
    names,
    tables,
    key: table === undefined ? endpointKey : tableKey,
    name: table ?? endpoint,
    found: table === undefined ? endpoints.data?.items.find(({ name }) => name === endpoint) : described.data,
    error: endpoints.error ?? (table === undefined ? null : described.error),
    pending: endpoints.isPending || (admin && flows.isPending) || (table !== undefined && described.isPending),
  }
}

export function DataPage() {
  const search = route.useSearch()
  const navigate = useNavigate({ from: '/data' })
  const { names, tables, key, name, found, error, pending } = useChosen()
  const query = queryOf(search)
  const view = search[viewKey] === 'json' ? 'json' : 'table'
  const go = (next: Query, shown: 'table' | 'json' = view): void =>
    void navigate({
      search: { [key]: name, ...(shown === 'json' ? { [viewKey]: 'json' } : {}), ...next },
      replace: true,
    })
  return (
    <>
      <PageHeader title="Data" about="The synced tables, as an application reads them.">
        {names.length + tables.length > 0 && (
          <Select
            aria-label="Endpoint or table"
            placeholder="An endpoint or a table"
            data={[
              { group: 'Endpoints', items: names.map((one) => ({ value: `${endpointKey} ${one}`, label: one })) },
              { group: 'Tables of flows', items: tables.map((one) => ({ value: `${tableKey} ${one}`, label: one })) },
            ].filter(({ items }) => items.length > 0)}
            value={name === undefined ? null : `${key} ${name}`}
            onChange={(chosen) => {
              const [of = '', ...rest] = (chosen ?? '').split(' ')
              if (chosen !== null) void navigate({ search: { [of]: rest.join(' ') } })
            }}
            allowDeselect={false}
            searchable
          />
        )}
      </PageHeader>
      {error !== null ? (
        <ErrorPanel error={error} />
      ) : pending ? (
        <Loading />
      ) : found === undefined ? (
        name === undefined ? (
          <Empty title="No endpoint yet" command={example}>
            An endpoint of the config serves a synced table: filtered, paged, bound to who asks, with its age.
          </Empty>
        ) : (
          <Empty title="There is no such endpoint">Choose another one.</Empty>
        )
      ) : (
        <div className={classes['columns']}>
          <div>
            <Ask key={found.path} endpoint={found} query={query} onChange={go} />
            <About endpoint={found} />
          </div>
          <div>
            <Answer
              path={found.path}
              query={query}
              view={view}
              onView={(shown) => go(query, shown)}
              onCursor={(cursor) =>
                go(cursor === undefined ? withParameter(query, 'cursor', undefined) : { ...query, cursor })
              }
            />
          </div>
        </div>
      )}
    </>
  )
}

function boundTo(endpoint: Endpoint, isTable: boolean): string {
  if (isTable) return 'admins: every row, whatever the claims'
  return endpoint.claims.length === 0
    ? 'nobody: every row for every caller'
    : `the caller's ${endpoint.claims.join(', ')}`
}

function About({ endpoint }: { readonly endpoint: Endpoint }) {
  const { path, alias, table, store, flows, problem, summary, shape } = endpoint
  const isTable = path.startsWith('/api/flows/')
  return (
    <Section title={isTable ? `The table of ${endpoint.name}` : endpoint.name}>
      <Stack gap="sm">
        {summary !== null && <Text>{summary}</Text>}
        {problem !== null && <Text role="alert">{problem}</Text>}
        <Facts
          facts={[
            ['Path', <code key="path">{path}</code>],
            alias === null ? null : ['Also', <code key="alias">{alias}</code>],
            ['Reads', table === null ? `a query in ${store}` : `${table} in ${store}`],
            ['Answers', shape],
            ['Bound to', boundTo(endpoint, isTable)],
            [
              'Kept by',
              flows.length === 0 ? (
                'no flow that is known'
              ) : (
                <Group key="flows" gap={8}>
                  {flows.map((flow) => (
                    <PageLink key={flow} to="/flows/$flow" params={{ flow }} inherit>
                      {flow}
                    </PageLink>
                  ))}
                </Group>
              ),
            ],
          ]}
        />
      </Stack>
    </Section>
  )
}
