/** The answer of an endpoint: as a table or as the JSON that came, how old it is, and the same as curl. */
import { Button, Group, SegmentedControl, Text } from '@mantine/core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Command } from '../frame/Command.tsx'
import { curl } from '../frame/curl.ts'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { duration } from '../frame/moment.ts'
import { count, plural } from '../frame/number.ts'
import { Section } from '../frame/PageHeader.tsx'
import { Time } from '../frame/shown.tsx'
import { askEndpoint } from './ask.ts'
import classes from './Data.module.css'
import { addressOf, type Query } from './query.ts'
import { type Answered, answered, cellText } from './rows.ts'

/** JSON longer than this is cut on the screen; curl has the whole. */
const longest = 200_000

export function Answer({
  path,
  query,
  view,
  onView,
  onCursor,
}: {
  readonly path: string
  readonly query: Query
  readonly view: 'table' | 'json'
  readonly onView: (view: 'table' | 'json') => void
  readonly onCursor: (cursor: string | undefined) => void
}) {
  const address = addressOf(path, query)
  const found = useQuery({
    queryKey: [address],
    queryFn: ({ signal }) => askEndpoint(address, signal),
    placeholderData: keepPreviousData,
    retry: false,
  })
  const { data } = found
  const rows = data === undefined ? null : answered(data.body)
  return (
    <>
      <Section
        title={
          rows === null
            ? 'Answer'
            : `${plural(rows.rows.length, 'row')}${rows.total === null || rows.total === rows.rows.length ? '' : ` of ${count(rows.total)}`}`
        }
        aside={
          <Group gap="sm">
            {data !== undefined && (
              <Text size="xs" c="dimmed" role="status">
                {data.asOf === null ? (
                  'age not known'
                ) : (
                  <>
                    true as of <Time at={data.asOf} />
                  </>
                )}{' '}
                · answered in {duration(data.ms)}
              </Text>
            )}
            <SegmentedControl
              size="xs"
              aria-label="How the answer is shown"
              data={[
                { value: 'table', label: 'Table' },
                { value: 'json', label: 'JSON' },
              ]}
              value={view}
              onChange={(next) => onView(next === 'json' ? 'json' : 'table')}
            />
          </Group>
        }
        flush
      >
        {found.isError ? (
          <ErrorPanel error={found.error} retry={() => void found.refetch()} />
        ) : data === undefined || rows === null ? (
          <div className={classes['waiting']}>
            <Loading rows={4} />
          </div>
        ) : view === 'json' ? (
          <pre className={classes['json']} tabIndex={0} role="region" aria-label="The answer as JSON">
            {JSON.stringify(data.body, null, 2).slice(0, longest)}
          </pre>
        ) : rows.rows.length === 0 ? (
          <Empty title="No row">
            Nothing fits, or the claims of your session bind you to rows that are not there. Empty is empty: nothing is
            made up.
          </Empty>
        ) : (
          <Rows rows={rows} />
        )}
        {rows !== null && (rows.next !== null || query['cursor'] !== undefined) && (
          <Group gap="xs" p="sm" justify="center">
            {query['cursor'] !== undefined && (
              <Button variant="default" size="xs" onClick={() => onCursor(undefined)}>
                First page
              </Button>
            )}
            {rows.next !== null && (
              <Button variant="default" size="xs" onClick={() => onCursor(rows.next ?? undefined)}>
                Next page
              </Button>
            )}
          </Group>
        )}
      </Section>
      <Section title="The same with curl">
        <Command text={curl({ url: `${window.location.origin}${address}` })} label="As a request" />
      </Section>
    </>
  )
}

function Rows({ rows: { columns, rows } }: { readonly rows: Answered }) {
  return (
    <div className={classes['scroll']} tabIndex={0} role="region" aria-label="Rows">
      <table className={classes['table']} aria-label="Rows">
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col" data-number={typeof rows[0]?.[name] === 'number' || undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            // The rows of an answer have no name of their own, and stay in their order.
            <tr key={index}>
              {columns.map((name) => {
                const text = cellText(row[name])
                return (
                  <td key={name} data-number={typeof row[name] === 'number' || undefined} title={text ?? undefined}>
                    {text ?? <span className={classes['null']}>null</span>}
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
