import { Button, Group, Progress, SimpleGrid, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { ReactNode } from 'react'
import type { Flow } from '../client/model/flow.ts'
import type { FlowCounts } from '../client/model/flowCounts.ts'
import type { Home } from '../client/model/home.ts'
import type { Run } from '../client/model/run.ts'
import type { Trouble } from '../client/model/trouble.ts'
import { useGetHome } from '../client/operation.ts'
import { useAllFlows } from '../flows/all.ts'
import { urgency, verdict } from '../flows/filter.ts'
import { flowStates } from '../flows/words.ts'
import { useNow } from '../frame/clock.ts'
import { Command } from '../frame/Command.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { count, plural } from '../frame/number.ts'
import { PageHeader, Section } from '../frame/PageHeader.tsx'
import { Age, Count, Lasted, Time } from '../frame/shown.tsx'
import { State, stateColour } from '../frame/State.tsx'
import classes from './HomePage.module.css'
import { Mend } from './Mend.tsx'

const nothing: readonly Flow[] = []

export function HomePage() {
  const home = useGetHome()
  const flows = useAllFlows()
  if (home.isPending) return <Loading />
  if (home.isError)
    return (
      <>
        <PageHeader title="Home" />
        <ErrorPanel error={home.error} retry={() => void home.refetch()} />
      </>
    )
  const { flows: counts, troubles, running, failures } = home.data
  const { title, tone } = verdict(counts)
  return (
    <>
      <PageHeader title="Home" />
      <section
        className={classes['verdict']}
        style={{ borderLeftColor: stateColour(tone) }}
        aria-label="Is my data fresh?"
      >
        <p className={classes['title']}>{title}</p>
        {counts.total > 0 ? <Strip counts={counts} /> : <Command text="sluice init" />}
      </section>
      {troubles.length > 0 && <Troubles troubles={troubles} />}
      <div className={classes['columns']}>
        <div>
          <Running {...running} />
          <Failures {...failures} />
        </div>
        <div>
          <Alive home={home.data} />
          <NextDue flows={flows.data ?? nothing} />
        </div>
      </div>
      {flows.isError && <ErrorPanel error={flows.error} retry={() => void flows.refetch()} />}
      {counts.total > 0 && flows.data !== undefined && <Board flows={flows.data} />}
    </>
  )
}

/** How the states divide the flows; each part leads to its flows. */
function Strip({ counts }: { readonly counts: FlowCounts }) {
  const there = flowStates.filter((state) => counts[state] > 0)
  return (
    <>
      <div className={classes['strip']} aria-hidden>
        {there.map((state) => (
          <span key={state} style={{ flexGrow: counts[state], background: stateColour(state) }} />
        ))}
      </div>
      <Group gap="lg" mt="xs">
        {there.map((state) => (
          <Link key={state} to="/flows" search={{ state }} className={classes['count']}>
            <State state={state} />
            {counts[state]}
          </Link>
        ))}
      </Group>
    </>
  )
}

const worst = 5

function Troubles({ troubles }: { readonly troubles: readonly Trouble[] }) {
  const [all, setAll] = useState(false)
  return (
    <Section
      title="What needs somebody"
      aside={
        troubles.length > worst && (
          <Button variant="subtle" size="compact-sm" onClick={() => setAll(!all)} aria-expanded={all}>
            {all ? 'The worst' : `All ${troubles.length}`}
          </Button>
        )
      }
      flush
    >
      <ul className={classes['list']}>
        {troubles.slice(0, all ? undefined : worst).map((trouble) => (
          <li key={trouble.says} className={classes['problem']}>
            <State state={trouble.severity} />
            <div className={classes['what']}>
              {trouble.advice.flow === null ? (
                <strong>{trouble.says}</strong>
              ) : (
                <Link to="/flows/$flow" params={{ flow: trouble.advice.flow }} className={classes['name']}>
                  {trouble.says}
                </Link>
              )}
              <span className={classes['why']}>{trouble.why ?? trouble.advice.text}</span>
            </div>
            <Mend advice={trouble.advice} />
          </li>
        ))}
      </ul>
    </Section>
  )
}

function Running({ items, total }: Home['running']) {
  return (
    <Section
      title="Running now"
      aside={
        total > 0 && (
          <Link to="/runs" search={{ state: 'running' }}>
            {total}
          </Link>
        )
      }
      flush
    >
      {items.length === 0 ? (
        <p className={classes['quiet']}>Nothing runs.</p>
      ) : (
        <ul className={classes['list']}>
          {items.slice(0, 8).map((run) => (
            <RunningRun key={run.id} run={run} />
          ))}
        </ul>
      )}
    </Section>
  )
}

function RunningRun({ run }: { readonly run: Run }) {
  const { phase } = run
  const share =
    phase === null || phase.rowsExpected === null || phase.rowsExpected === 0 ? null : phase.rows / phase.rowsExpected
  return (
    <li className={classes['run']}>
      <Link to="/runs/$run" params={{ run: run.id }} className={classes['name']}>
        {run.flow}
      </Link>
      <span className={classes['phase']}>
        {phase === null ? run.operation : `${phase.name} · ${plural(phase.rows, 'row')}`}
        {phase?.rowsExpected !== null && phase?.rowsExpected !== undefined && ` of ${count(phase.rowsExpected)}`}
      </span>
      <Lasted from={run.startedAt} to={null} />
      {share !== null && (
        <Progress
          value={Math.min(100, share * 100)}
          size={4}
          className={classes['progress']}
          aria-label={`${run.flow}: ${phase?.name}`}
        />
      )}
    </li>
  )
}

function Failures({ items, total }: Home['failures']) {
  return (
    <Section
      title="Failed in 24 hours"
      aside={
        total > 0 && (
          <Link to="/runs" search={{ state: 'failed' }}>
            {total}
          </Link>
        )
      }
      flush
    >
      {items.length === 0 ? (
        <p className={classes['quiet']}>Nothing failed.</p>
      ) : (
        <ul className={classes['list']}>
          {items.slice(0, 6).map((run) => (
            <li key={run.id} className={classes['failure']}>
              <Link to="/runs/$run" params={{ run: run.id }} className={classes['name']}>
                {run.flow}
              </Link>
              <span className={classes['why']} title={run.error?.summary}>
                {run.error?.summary ?? run.reason}
              </span>
              <Time at={run.finishedAt} />
            </li>
          ))}
        </ul>
      )}
    </Section>
  )
}

function Alive({ home: { alive, queue } }: { readonly home: Home }) {
  return (
    <Section title="Who works" aside={<Link to="/workers">Workers</Link>}>
      <SimpleGrid cols={2} spacing="sm">
        <Fact label="Scheduler">
          <State state={alive.scheduler ? 'alive' : 'gone'} />
        </Fact>
        <Fact label="Worker">
          <State state={alive.worker ? 'alive' : 'gone'} />
        </Fact>
        <Fact label="Waiting">
          <Count value={queue.waiting} />
          {queue.oldest !== null && (
            <Text span c="dimmed" size="sm">
              {' for '}
              <Lasted from={queue.oldest} to={null} />
            </Text>
          )}
        </Fact>
        <Fact label="In the last hour">
          {plural(queue.lastHour.finished, 'run')}
          {queue.lastHour.failed > 0 && `, ${queue.lastHour.failed} failed`}
        </Fact>
      </SimpleGrid>
    </Section>
  )
}

function Fact({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <div>{children}</div>
    </div>
  )
}

function NextDue({ flows }: { readonly flows: readonly Flow[] }) {
  const now = useNow(30_000)
  const due = flows
    .filter((flow) => flow.dueAt !== null && flow.paused === null && Date.parse(flow.dueAt) > now.getTime())
    .sort((a, b) => String(a.dueAt).localeCompare(String(b.dueAt)))
    .slice(0, 6)
  return (
    <Section title="Due next" flush>
      {due.length === 0 ? (
        <p className={classes['quiet']}>Nothing is scheduled.</p>
      ) : (
        <ul className={classes['list']}>
          {due.map((flow) => (
            <li key={flow.name} className={classes['failure']}>
              <Link to="/flows/$flow" params={{ flow: flow.name }} className={classes['name']}>
                {flow.name}
              </Link>
              <span className={classes['why']}>{flow.schedule}</span>
              <Time at={flow.dueAt} />
            </li>
          ))}
        </ul>
      )}
    </Section>
  )
}

const onBoard = 200

/** All flows at a glance: the shape says the state, the number how old the data is. */
function Board({ flows }: { readonly flows: readonly Flow[] }) {
  const worstFirst = flows.toSorted((a, b) => urgency(a.state) - urgency(b.state) || a.name.localeCompare(b.name))
  return (
    <Section title="All flows" aside={<Link to="/flows">As a table</Link>}>
      <ul className={classes['board']}>
        {worstFirst.slice(0, onBoard).map((flow) => (
          <li key={flow.name}>
            <Link
              to="/flows/$flow"
              params={{ flow: flow.name }}
              className={classes['tile']}
              title={flow.why ?? undefined}
            >
              <State state={flow.state} />
              <span className={classes['tileName']}>{flow.name}</span>
              <span className={classes['age']}>
                <Age at={flow.asOf} />
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {flows.length > onBoard && (
        <Button component={Link} to="/flows" variant="subtle" size="xs" mt="sm">
          {plural(flows.length - onBoard, 'flow')} more
        </Button>
      )}
    </Section>
  )
}
