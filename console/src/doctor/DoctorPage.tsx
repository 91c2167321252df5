import { Button, Chip, Group, Text } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useGetDiagnosis, useListStores } from '../client/operation.ts'
import type { Store } from '../client/model/store.ts'
import { DataTable, type Column } from '../frame/DataTable.tsx'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { plural } from '../frame/number.ts'
import { useOffer } from '../frame/page-actions.ts'
import { PageHeader, Section } from '../frame/PageHeader.tsx'
import { listOf, someIn } from '../frame/search.ts'
import { Time } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import classes from './DoctorPage.module.css'
import { patients } from './findings.ts'
import { severities } from './routes.ts'

const route = getRouteApi('/inside/doctor')

const storeColumns: readonly Column<Store>[] = [
  { id: 'name', head: 'Store', width: '150px', cell: ({ name }) => <strong>{name}</strong> },
  { id: 'kind', head: 'Kind', width: '120px', hide: 'phone', cell: ({ kind }) => kind },
  { id: 'what', head: 'Which', wrap: true, cell: ({ what }) => what },
  { id: 'why', head: 'Because', width: '30%', wrap: true, hide: 'phone', cell: ({ why }) => why },
]

export function DoctorPage() {
  const { severity } = route.useSearch()
  const navigate = useNavigate({ from: '/doctor' })
  const stores = useListStores()
  // Looking takes seconds and asks the stores: only when the page is opened, or somebody asks for it.
  const { data, error, isFetching, refetch } = useGetDiagnosis({
    query: { staleTime: Infinity, gcTime: 60_000, refetchOnWindowFocus: false },
  })
  useOffer(useMemo(() => [{ label: 'Look again', run: () => void refetch() }], [refetch]))
  const chosen = listOf(severity)
  const shown = data === undefined ? [] : patients(data.items, chosen)
  return (
    <>
      <PageHeader
        title="Doctor"
        about={
          data === undefined ? (
            'Looks at every store and flow as they are now.'
          ) : (
            <>
              {plural(data.problems, 'problem')}, {plural(data.warnings, 'warning')}; looked <Time at={data.at} />
            </>
          )
        }
      >
        <Button
          size="xs"
          variant="default"
          leftSection={<IconRefresh size={15} aria-hidden />}
          loading={isFetching}
          onClick={() => void refetch()}
        >
          Look again
        </Button>
      </PageHeader>
      <Section
        title="Findings"
        flush
        aside={
          <Chip.Group
            multiple
            value={[...chosen]}
            onChange={(words) =>
              void navigate({ search: { severity: someIn(words.join(','), severities) }, replace: true })
            }
          >
            <Group gap={6}>
              {severities.map((word) => (
                <Chip key={word} value={word} size="xs" variant="outline">
                  {word}
                </Chip>
              ))}
            </Group>
          </Chip.Group>
        }
      >
        {error !== null && !isFetching ? (
          <ErrorPanel error={error} retry={() => void refetch()} />
        ) : data === undefined ? (
          <div style={{ padding: 16 }}>
            <Text c="dimmed" mb="sm">
              Looking at the stores…
            </Text>
            <Loading rows={4} />
          </div>
        ) : shown.length === 0 ? (
          <Empty title="Nothing of that kind was found" command="sluice doctor">
            The same on the command line, where the config itself may be what is wrong.
          </Empty>
        ) : (
          <ul className={classes['patients']}>
            {shown.map(({ about, findings }) => (
              <li key={about} className={classes['patient']}>
                <span className={classes['about']}>{about}</span>
                <ul className={classes['findings']}>
                  {findings.map((finding) => (
                    <li key={`${finding.severity} ${finding.says}`} className={classes['finding']}>
                      <State state={finding.severity} />
                      <span>{finding.says}</span>
                      {finding.fix !== null && finding.severity !== 'fine' && (
                        <span className={classes['fix']}>Fix: {finding.fix}</span>
                      )}
                    </li>
                  ))}
                </ul>
              </li>
            ))}
          </ul>
        )}
      </Section>
      <Section title="Stores" flush>
        {stores.error !== null ? (
          <ErrorPanel error={stores.error} retry={() => void stores.refetch()} />
        ) : stores.data === undefined ? (
          <Loading rows={2} />
        ) : (
          <DataTable
            label="Stores"
            columns={storeColumns}
            rows={stores.data.items}
            rowKey={({ name }) => name}
            empty={<Empty title="The config names no store">Left out, a database and a warehouse are embedded.</Empty>}
          />
        )}
      </Section>
    </>
  )
}
