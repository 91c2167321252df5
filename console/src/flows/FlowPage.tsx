import { Button, Menu, Tabs } from '@mantine/core'
import {
  IconCheckbox,
  IconChevronDown,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerTrackNext,
} from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { Suspense, useEffect, useMemo, useRef } from 'react'
import { useGetFlow } from '../client/flows.ts'
import type { FlowDetail } from '../client/model/flowDetail.ts'
import { ErrorPanel, FaultPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { useOffer } from '../frame/page-actions.ts'
import { PageHeader } from '../frame/PageHeader.tsx'
import { useMay } from '../frame/session.ts'
import { Time } from '../frame/shown.tsx'
import { State } from '../frame/State.tsx'
import { kinds } from '../kinds/kinds.ts'
import { askForce, askPause, useActs } from './acts.ts'
import type { Act } from './acts.ts'
import classes from './FlowPage.module.css'
import { Overview } from './Overview.tsx'
import { tabPages } from './tabs.ts'
import type { FlowTab } from './words.ts'

const route = getRouteApi('/inside/flows/$flow')

const {
  grains: GrainsTab,
  chart: ChartTab,
  slices: SlicesTab,
  runs: RunsTab,
  rows: RowsTab,
  schema: SchemaTab,
  config: ConfigTab,
} = tabPages

const tabs: readonly {
  readonly tab: FlowTab
  readonly label: string
  /** The kind that has it; left out: every kind. */
  readonly of?: string
}[] = [
  { tab: 'overview', label: 'Overview' },
  { tab: 'grains', label: 'Grains', of: 'rollup' },
  { tab: 'chart', label: 'Chart', of: 'rollup' },
  { tab: 'slices', label: 'Slices' },
  { tab: 'runs', label: 'Runs' },
  { tab: 'rows', label: 'Rows over time' },
  { tab: 'schema', label: 'Schema' },
  { tab: 'config', label: 'Config' },
]

export function FlowPage() {
  const { flow: name } = route.useParams()
  const { tab = 'overview' } = route.useSearch()
  const navigate = route.useNavigate()
  const found = useGetFlow(name)
  const strip = useRef<HTMLDivElement>(null)
  const there = found.data !== undefined
  // Where they do not fit side by side, the open one is seen.
  useEffect(() => {
    const [list, open] = [strip.current, strip.current?.querySelector<HTMLElement>('[aria-selected="true"]')]
    if (list && open) list.scrollLeft = open.offsetLeft - (list.clientWidth - open.offsetWidth) / 2
  }, [tab, there])
  if (found.isPending) return <Loading />
  if (found.isError)
    return (
      <>
        <PageHeader title={name} />
        <ErrorPanel error={found.error} retry={() => void found.refetch()} />
      </>
    )
  const flow = found.data
  const shown = tabs.filter(({ of }) => of === undefined || of === flow.kind)
  const { Slice: more, Slices } = kinds[flow.kind] ?? {}
  return (
    <>
      <PageHeader
        title={flow.name}
        about={
          <span className={classes['about']}>
            <State state={flow.state} />
            {flow.running && <State state="running" />}
            <span>{flow.kind}</span>
            {flow.origin === 'console' && <span>made in the console</span>}
            {flow.asOf !== null && (
              <span>
                data as of <Time at={flow.asOf} show="both" />
              </span>
            )}
          </span>
        }
      >
        <Actions flow={flow} />
      </PageHeader>
      {flow.problem !== null && <FaultPanel fault={{ ...flow.problem, title: flow.problem.summary }} />}
      <Tabs
        value={shown.some((each) => each.tab === tab) ? tab : 'overview'}
        onChange={(value) =>
          void navigate({ search: { tab: tabs.find((each) => each.tab === value)?.tab }, resetScroll: false })
        }
        keepMounted={false}
      >
        <Tabs.List ref={strip} className={classes['tabs']} mb="md">
          {shown.map((each) => (
            <Tabs.Tab key={each.tab} value={each.tab}>
              {each.label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Suspense fallback={<Loading />}>
          <Tabs.Panel value="overview">
            <Overview flow={flow} />
          </Tabs.Panel>
          <Tabs.Panel value="grains">
            <GrainsTab flow={flow.name} />
          </Tabs.Panel>
          <Tabs.Panel value="chart">
            <ChartTab flow={flow.name} />
          </Tabs.Panel>
          <Tabs.Panel value="slices">
            {Slices === undefined ? <SlicesTab flow={flow} more={more} /> : <Slices flow={flow} />}
          </Tabs.Panel>
          <Tabs.Panel value="runs">
            <RunsTab flow={flow.name} />
          </Tabs.Panel>
          <Tabs.Panel value="rows">
            <RowsTab flow={flow.name} />
          </Tabs.Panel>
          <Tabs.Panel value="schema">
            <SchemaTab flow={flow.name} />
          </Tabs.Panel>
          <Tabs.Panel value="config">
            <ConfigTab flow={flow} />
          </Tabs.Panel>
        </Suspense>
      </Tabs>
    </>
  )
}

function Actions({ flow: { name, paused } }: { readonly flow: FlowDetail }) {
  const operator = useMay('operator')
  const { mutate, isPending } = useActs()
  const offered = useMemo(() => {
    const act = (what: Act): void => mutate({ flows: [name], act: what })
    if (!operator) return []
    return [
      ...(paused === null ? [{ label: `Run ${name}`, run: () => act({ tag: 'run' }) }] : []),
      { label: `Verify ${name}`, run: () => act({ tag: 'verify' }) },
      paused === null
        ? { label: `Pause ${name}`, run: () => askPause([name], act) }
        : { label: `Resume ${name}`, run: () => act({ tag: 'resume' }) },
    ]
  }, [name, paused, operator, mutate])
  useOffer(offered)
  if (!operator) return null
  const act = (what: Act): void => mutate({ flows: [name], act: what })
  return (
    <>
      {paused === null ? (
        <>
          <Button.Group>
            <Button
              leftSection={<IconPlayerPlay size={15} aria-hidden />}
              loading={isPending}
              onClick={() => act({ tag: 'run' })}
            >
              Run
            </Button>
            <Menu position="bottom-end">
              <Menu.Target>
                <Button px={8} aria-label="More ways to run">
                  <IconChevronDown size={16} />
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item onClick={() => askForce(name, act)}>Force a run…</Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </Button.Group>
          <Button
            variant="default"
            leftSection={<IconPlayerPause size={15} aria-hidden />}
            onClick={() => askPause([name], act)}
          >
            Pause
          </Button>
        </>
      ) : (
        <Button
          leftSection={<IconPlayerTrackNext size={15} aria-hidden />}
          loading={isPending}
          onClick={() => act({ tag: 'resume' })}
        >
          Resume
        </Button>
      )}
      <Button
        variant="default"
        leftSection={<IconCheckbox size={15} aria-hidden />}
        onClick={() => act({ tag: 'verify' })}
      >
        Verify
      </Button>
    </>
  )
}
