import { Group, Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { FlowDetail } from '../client/model/flowDetail.ts'
import { Command } from '../frame/Command.tsx'
import { FaultPanel } from '../frame/ErrorPanel.tsx'
import { Section } from '../frame/PageHeader.tsx'
import { Count, None, Time } from '../frame/shown.tsx'
import { State, stateColour } from '../frame/State.tsx'
import { Mend } from '../home/Mend.tsx'
import { Lineage } from './Lineage.tsx'
import classes from './Overview.module.css'

const sliceStates = ['failed', 'dirty', 'missing', 'running', 'done', 'frozen'] as const

export function Overview({ flow }: { readonly flow: FlowDetail }) {
  const error = flow.lastRun?.error ?? null
  const shown = error !== null && flow.state === 'failed'
  return (
    <div className={classes['columns']}>
      <div>
        <Section title="State">
          <Stack gap="sm">
            <div>
              <State state={flow.state} />
              <Text size="sm" mt={4}>
                {shown
                  ? 'Its last run failed, and nothing succeeded since.'
                  : (flow.why ?? 'Every slice that was due is done.')}
              </Text>
              {flow.note !== null && (
                <Text size="sm" c="dimmed">
                  {flow.note}
                </Text>
              )}
            </div>
            {flow.paused !== null && (
              <Text size="sm">
                Paused by {flow.paused.by}, <Time at={flow.paused.at} show="both" />
                {flow.paused.reason !== null && `: ${flow.paused.reason}`}
              </Text>
            )}
            {shown && <FaultPanel fault={{ ...error, title: error.summary }} />}
            {flow.advice !== null && (
              <Group gap="xs" justify="space-between">
                <Text size="sm">{flow.advice.text}</Text>
                <Mend advice={flow.advice} />
              </Group>
            )}
          </Stack>
        </Section>
        <Section title="From where to where">
          <Lineage flow={flow.name} />
        </Section>
      </div>
      <Section title="Facts">
        <dl className={classes['facts']}>
          <Fact name="Rows">
            <Count value={flow.rows} />
          </Fact>
          <Fact name="Data as of">
            <Time at={flow.asOf} show="both" />
          </Fact>
          <Fact name="Source as of">
            {flow.sourceAsOf === null ? (
              <None says="the source tells no time" />
            ) : (
              <Time at={flow.sourceAsOf} show="both" />
            )}
          </Fact>
          <Fact name="Due">
            <Time at={flow.dueAt} show="both" />
          </Fact>
          <Fact name="Schedule">{flow.schedule}</Fact>
          <Fact name="After">
            {flow.after.length === 0 ? (
              <None says="no other flow" />
            ) : (
              flow.after.map((before) => (
                <Link key={before} to="/flows/$flow" params={{ flow: before }} className={classes['after']}>
                  {before}
                </Link>
              ))
            )}
          </Fact>
          <Fact name="Last run">
            {flow.lastRun === null ? (
              <None says="no run" />
            ) : (
              <Link to="/runs/$run" params={{ run: flow.lastRun.id }} className={classes['run']}>
                <State state={flow.lastRun.state} />
                <Time at={flow.lastRun.finishedAt ?? flow.lastRun.requestedAt} />
              </Link>
            )}
          </Fact>
          <Fact name="Slices">
            <Slices flow={flow} />
          </Fact>
          <Fact name="Stores">{flow.stores.join(', ')}</Fact>
          <Fact name="Definition">
            version {flow.version}, {flow.changedBy}, <Time at={flow.changedAt} />
          </Fact>
        </dl>
        <Text size="xs" c="dimmed" mt="md" mb={6}>
          The same on the command line
        </Text>
        <Command text={`sluice status ${flow.name}`} />
      </Section>
    </div>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  )
}

function Slices({ flow: { name, slices } }: { readonly flow: FlowDetail }) {
  const there = sliceStates.filter((state) => slices[state] > 0)
  if (there.length === 0) return <None says="no slice yet" />
  return (
    <Link to="/flows/$flow" params={{ flow: name }} search={{ tab: 'slices' }} className={classes['slices']}>
      {there.map((state) => (
        <span key={state} className={classes['slice']}>
          <span className={classes['dot']} style={{ background: stateColour(state) }} aria-hidden />
          <Count value={slices[state]} /> {state}
        </span>
      ))}
    </Link>
  )
}
