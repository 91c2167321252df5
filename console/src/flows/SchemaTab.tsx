import { Badge } from '@mantine/core'
import { useGetFlowSchema } from '../client/flows.ts'
import type { ColumnPair } from '../client/model/columnPair.ts'
import { Command } from '../frame/Command.tsx'
import { DataTable } from '../frame/DataTable.tsx'
import type { Column } from '../frame/DataTable.tsx'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { plural } from '../frame/number.ts'
import { Section } from '../frame/PageHeader.tsx'
import { None } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import classes from './SchemaTab.module.css'

const words = {
  none: 'the same',
  added: 'is added',
  unread: 'only in the table',
  ignored: 'only in the source',
  differs: 'differs',
} as const

function Side({
  name,
  type,
  also,
}: {
  readonly name: string
  readonly type: string
  readonly also?: string | undefined
}) {
  return (
    <span className={classes['side']}>
      <span className={classes['name']}>{name}</span>
      <code>{type}</code>
      {also !== undefined && <span className={classes['also']}>{also}</span>}
    </span>
  )
}

const columns: readonly Column<ColumnPair>[] = [
  {
    id: 'source',
    head: 'Source',
    wrap: true,
    cell: ({ source }) =>
      source === null ? (
        <None says="not in the source" />
      ) : (
        <Side
          name={source.name}
          type={source.type}
          also={source.sourceType === source.type ? undefined : source.sourceType}
        />
      ),
  },
  {
    id: 'target',
    head: 'Target',
    wrap: true,
    cell: ({ target }) =>
      target === null ? (
        <None says="not in the table" />
      ) : (
        <Side name={target.name} type={target.type} also={target.nullable ? undefined : 'not null'} />
      ),
  },
  {
    id: 'drift',
    head: 'Drift',
    wrap: true,
    cell: ({ drift, says }) => (
      <span className={classes['drift']}>
        {drift === 'none' ? (
          <span className={classes['also']}>{words.none}</span>
        ) : (
          <Badge variant="outline" color={drift === 'differs' ? 'red' : 'gray'} tt="none" className={classes['badge']}>
            {words[drift]}
          </Badge>
        )}
        {says !== null && <span className={classes['says']}>{says}</span>}
      </span>
    ),
  },
]

const nameOf = ({ source, target, planned }: ColumnPair): string =>
  `${source?.name ?? ''} ${target?.name ?? planned?.name ?? ''}`

export function SchemaTab({ flow }: { readonly flow: string }) {
  const schema = useGetFlowSchema(flow)
  if (schema.isPending) return <Loading />
  if (schema.isError) return <ErrorPanel error={schema.error} retry={() => void schema.refetch()} />
  const drifted = schema.data.columns.filter(({ drift }) => drift !== 'none').length
  return (
    <>
      <Section
        title="Columns of both sides, as they are now"
        aside={<State state={drifted === 0 ? 'identical' : 'differs'} says={`${plural(drifted, 'column')} drifted`} />}
        flush
      >
        <DataTable
          label="Columns"
          columns={columns}
          rows={schema.data.columns}
          rowKey={nameOf}
          empty={<Empty title="This kind has no columns">It moves files or runs programs.</Empty>}
        />
      </Section>
      <Section title="Source as SQL">
        <Command text={schema.data.ddl.source} label="Source as SQL" />
      </Section>
      <Section title="Target as SQL">
        <Command text={schema.data.ddl.target} label="Target as SQL" />
      </Section>
    </>
  )
}
