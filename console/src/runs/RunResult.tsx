/** What a run found out, beside its outcome: the plan, the comparison, the schema, the findings. */
import { List, Stack, Text } from '@mantine/core'
import type { RunDetail } from '../client/model/runDetail.ts'
import type { Verification } from '../client/model/verification.ts'
import { Command } from '../frame/Command.tsx'
import { type Column, DataTable } from '../frame/DataTable.tsx'
import { Section } from '../frame/PageHeader.tsx'
import { PageLink } from '../frame/PageLink.tsx'
import { Count } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import { PlanView } from './PlanView.tsx'
import { shortId } from './words.ts'

const compared: readonly Column<Verification>[] = [
  { id: 'slice', head: 'Slice', cell: ({ slice }) => slice },
  { id: 'verdict', head: 'Verdict', width: '130px', cell: ({ verdict }) => <State state={verdict} /> },
  { id: 'compared', head: 'Compared', width: '110px', align: 'right', cell: (one) => <Count value={one.compared} /> },
  { id: 'missing', head: 'Missing', width: '100px', align: 'right', cell: (one) => <Count value={one.missing} /> },
  {
    id: 'extra',
    head: 'Extra',
    width: '90px',
    align: 'right',
    hide: 'phone',
    cell: (one) => <Count value={one.extra} />,
  },
  {
    id: 'changed',
    head: 'Changed',
    width: '100px',
    align: 'right',
    hide: 'phone',
    cell: (one) => <Count value={one.changed} />,
  },
]

export function RunResult({ run }: { readonly run: RunDetail }) {
  const { plan, ddl, findings, verifications, followedBy } = run.result
  return (
    <>
      {followedBy !== null && (
        <Text>
          {run.operation === 'verify' ? 'What differs is redone by ' : 'What was redone is compared again by '}
          <PageLink to="/runs/$run" params={{ run: followedBy }} underline="always" inherit>
            run {shortId(followedBy)}
          </PageLink>
          .
        </Text>
      )}
      {plan !== null && (
        <Section title="Plan">
          <PlanView slices={plan.slices} steps={plan.steps} />
        </Section>
      )}
      {verifications !== null && (
        <Section title="Source and target compared" flush>
          <DataTable
            label="Verifications"
            columns={compared}
            rows={verifications}
            rowKey={({ slice }) => slice}
            empty={<Text p="md">Nothing was compared.</Text>}
          />
          {verifications.some(({ examples }) => examples.length > 0) && (
            <Stack gap={4} p="md">
              <Text fw={600}>Rows that differ</Text>
              <List size="sm">
                {verifications
                  .flatMap(({ examples }) => examples)
                  .slice(0, 20)
                  .map((example, index) => (
                    // Examples are shown as they came and never change.
                    <List.Item key={index}>
                      {example.difference}{' '}
                      {example.key === null
                        ? `${example.count} ×`
                        : Object.entries(example.key)
                            .map(([name, value]) => `${name} ${value ?? 'null'}`)
                            .join(', ')}
                      {example.columns.length > 0 ? `: ${example.columns.join(', ')}` : ''}
                    </List.Item>
                  ))}
              </List>
            </Stack>
          )}
        </Section>
      )}
      {findings !== null && (
        <Section title="Findings">
          <Stack gap="xs">
            {findings.map((finding) => (
              <div key={`${finding.about} ${finding.says}`}>
                <State state={finding.severity} /> <strong>{finding.about}</strong>: {finding.says}
                {finding.fix !== null && <Text c="dimmed">{finding.fix}</Text>}
              </div>
            ))}
          </Stack>
        </Section>
      )}
      {ddl !== null && (
        <Section title="Schema of both sides">
          <Stack gap="sm">
            <Command text={`${ddl.source}\n`} label="The source's schema" />
            <Command text={`${ddl.target}\n`} label="The target's schema" />
          </Stack>
        </Section>
      )}
    </>
  )
}
