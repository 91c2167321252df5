/** The tries of a run, each by one worker. */
import { Text } from '@mantine/core'
import type { Attempt } from '../client/model/attempt.ts'
import { type Column, DataTable } from '../frame/DataTable.tsx'
import { Section } from '../frame/PageHeader.tsx'
import { Lasted, None, Time } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import { shortId } from './words.ts'

const columns: readonly Column<Attempt>[] = [
  { id: 'n', head: 'Attempt', width: '84px', cell: ({ n }) => n },
  { id: 'state', head: 'Outcome', width: '130px', cell: ({ outcome }) => <State state={outcome ?? 'running'} /> },
  { id: 'started', head: 'Started', width: '110px', cell: ({ startedAt }) => <Time at={startedAt} /> },
  {
    id: 'took',
    head: 'Took',
    width: '90px',
    align: 'right',
    hide: 'phone',
    cell: (one) => <Lasted from={one.startedAt} to={one.finishedAt} />,
  },
  {
    id: 'worker',
    head: 'Worker',
    width: '110px',
    hide: 'tablet',
    cell: ({ worker }) => (
      <Text span ff="monospace" fz="xs" title={worker}>
        {shortId(worker)}
      </Text>
    ),
  },
  {
    id: 'error',
    head: 'Why it ended',
    hide: 'phone',
    wrap: true,
    cell: ({ error }) => (error === null ? <None says="no error" /> : `${error.code}: ${error.why}`),
  },
]

export function Attempts({ attempts }: { readonly attempts: readonly Attempt[] }) {
  return (
    <Section title="Attempts" flush>
      <DataTable label="Attempts" columns={columns} rows={attempts} rowKey={({ n }) => String(n)} empty={null} />
    </Section>
  )
}
