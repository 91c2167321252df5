import { Button, Group, Select, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { exportFlow, useListFlowVersions } from '../client/flows.ts'
import type { FlowDetail } from '../client/model/flowDetail.ts'
import type { FlowVersion } from '../client/model/flowVersion.ts'
import { Command } from '../frame/Command.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Section } from '../frame/PageHeader.tsx'
import { useMay } from '../frame/session.ts'
import { Time } from '../frame/shown.tsx'
import classes from './ConfigTab.module.css'
import { diff } from './diff.ts'
import { written } from './written.ts'

export function ConfigTab({ flow }: { readonly flow: FlowDetail }) {
  const code = useMutation({ mutationFn: () => exportFlow(flow.name) })
  const exported = code.data
  const admin = useMay('admin')
  return (
    <>
      <Section
        title="Definition"
        aside={
          <Group gap="xs">
            {admin && flow.origin === 'console' && (
              <Button
                size="xs"
                renderRoot={(props) => <Link to="/editor/$flow" params={{ flow: flow.name }} {...props} />}
              >
                Edit
              </Button>
            )}
            {admin && (
              <Button
                size="xs"
                variant="default"
                renderRoot={(props) => <Link to="/editor" search={{ like: flow.name }} {...props} />}
              >
                Make one like it
              </Button>
            )}
            <Button size="xs" variant="default" loading={code.isPending} onClick={() => code.mutate()}>
              As code
            </Button>
          </Group>
        }
      >
        <Text size="sm" mb="sm">
          {flow.origin === 'file'
            ? 'It is written in the config file; change it there. Here it can be read, paused and run. Secrets are shown as references.'
            : 'It was made in the console; every version is kept.'}
        </Text>
        <Command text={written(flow.definition)} label="Definition" />
      </Section>
      {exported !== undefined && typeof exported !== 'string' && (
        <Section title="As code of a config file">
          <Command text={exported.config} label="Config file with this flow" />
        </Section>
      )}
      <Versions flow={flow.name} />
    </>
  )
}

function Versions({ flow }: { readonly flow: string }) {
  const versions = useListFlowVersions(flow, { limit: 100 })
  const [chosen, setChosen] = useState<string | null>(null)
  if (versions.isError) return <ErrorPanel error={versions.error} />
  const items = versions.data?.items ?? []
  const at = chosen === null ? 0 : items.findIndex((item) => String(item.version) === chosen)
  const now = items[at]
  if (now === undefined) return null
  const before = items[at + 1]
  return (
    <Section
      title="Versions"
      aside={
        items.length > 1 && (
          <Select
            size="xs"
            aria-label="Version"
            value={String(now.version)}
            allowDeselect={false}
            onChange={setChosen}
            data={items.map((item) => ({ value: String(item.version), label: `version ${item.version}` }))}
          />
        )
      }
    >
      <Text size="sm" mb="sm">
        Version {now.version} by {now.createdBy}, <Time at={now.createdAt} show="both" />
        {before === undefined ? ': the first.' : `; what changed since version ${before.version}:`}
      </Text>
      {before !== undefined && <Changed before={before} now={now} />}
    </Section>
  )
}

function Changed({ before, now }: { readonly before: FlowVersion; readonly now: FlowVersion }) {
  const lines = diff(written(before.definition), written(now.definition))
  if (lines.every(({ tag }) => tag === 'same')) return <Text size="sm">Nothing that is written in it.</Text>
  return (
    <div className={classes['diff']} role="region" aria-label="What changed" tabIndex={0}>
      {lines.map(({ tag, text }, line) => (
        <div key={line} data-tag={tag}>
          <span className={classes['mark']}>{tag === 'gone' ? '−' : tag === 'new' ? '+' : ' '}</span>
          {text}
        </div>
      ))}
    </div>
  )
}
