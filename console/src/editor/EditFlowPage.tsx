import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import {
  exportFlow,
  getGetFlowQueryOptions,
  getListFlowVersionsQueryOptions,
  getListFlowsQueryKey,
  removeFlow,
} from '../client/flows.ts'
import type { FlowDetail } from '../client/model/flowDetail.ts'
import { Command } from '../frame/Command.tsx'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { PageHeader, Section } from '../frame/PageHeader.tsx'
import { ButtonLink } from '../frame/PageLink.tsx'
import { ask } from '../frame/reason.tsx'
import { useMay } from '../frame/session.ts'
import { Time } from '../frame/shown.tsx'
import { tell } from '../frame/tell.tsx'
import { formOf } from '../kinds/forms.ts'
import { download } from '../runs/RunLog.tsx'
import type { JsonObject } from './definition.ts'
import { FlowEditor } from './FlowEditor.tsx'
import { useKinds } from './kinds.ts'

const route = getRouteApi('/inside/editor/$flow')

export function EditFlowPage() {
  const { flow: name } = route.useParams()
  const may = useMay('admin')
  const kinds = useKinds()
  // Read once: what somebody else saves meanwhile must not replace what is being written; saving then says so.
  const flow = useQuery({
    ...getGetFlowQueryOptions(name),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnMount: 'always',
  })
  const error = flow.error ?? kinds.error
  if (error !== null)
    return (
      <>
        <PageHeader title={name} />
        <ErrorPanel error={error} />
      </>
    )
  if (flow.data === undefined || !flow.isFetchedAfterMount || kinds.data === undefined) return <Loading />
  const fields = kinds.data.find((one) => one.kind === flow.data.kind)?.fields
  if (flow.data.origin === 'file' || !may || fields === undefined) return <ReadOnly flow={flow.data} may={may} />
  const { version } = flow.data
  return (
    <FlowEditor
      // A version that was saved from here begins anew.
      key={name}
      title={`Edit ${name}`}
      about={
        <>
          Version {version}, made in the console.{' '}
          <Link to="/flows/$flow" params={{ flow: name }}>
            Back to the flow
          </Link>
        </>
      }
      name={name}
      fields={fields}
      form={formOf(flow.data.kind)}
      // A definition is plain JSON.
      start={flow.data.definition as JsonObject}
      version={version}
      actions={<Remove name={name} />}
      beside={(use) => (
        <>
          <Versions name={name} use={use} />
          <Export name={name} />
        </>
      )}
    />
  )
}

/** A flow of the file, or a person who may not: the code can be had all the same. */
function ReadOnly({ flow, may }: { readonly flow: FlowDetail; readonly may: boolean }) {
  return (
    <>
      <PageHeader
        title={flow.name}
        about={
          <Link to="/flows/$flow" params={{ flow: flow.name }}>
            Back to the flow
          </Link>
        }
      />
      <Section title="Read-only here">
        <Empty
          title={flow.origin === 'file' ? 'It is defined in the config file' : 'Flows are changed by admins'}
          action={
            may && (
              <ButtonLink to="/editor" search={{ like: flow.name }} size="xs" variant="default">
                Make a new flow like it
              </ButtonLink>
            )
          }
        >
          {flow.origin === 'file'
            ? 'Change it there, and it is taken over when `sluice up` is started anew. Here it can be paused and run.'
            : 'Ask an admin, or take its code and put it into the config file.'}
        </Empty>
      </Section>
      <Export name={flow.name} />
    </>
  )
}

function Versions({ name, use }: { readonly name: string; readonly use: (definition: JsonObject) => void }) {
  const versions = useQuery(getListFlowVersionsQueryOptions(name, { limit: 50 }))
  return (
    <Section title="Versions">
      {versions.isError ? (
        <ErrorPanel error={versions.error} />
      ) : (
        <Stack gap={6}>
          {(versions.data?.items ?? []).map((one) => (
            <Group key={one.version} justify="space-between" wrap="nowrap">
              <Text size="sm">
                {one.version} · <Time at={one.createdAt} /> by {one.createdBy}
              </Text>
              <Button
                variant="default"
                size="compact-xs"
                // A definition is plain JSON.
                onClick={() => use(one.definition as JsonObject)}
              >
                Take version {one.version}
              </Button>
            </Group>
          ))}
        </Stack>
      )}
    </Section>
  )
}

export function Export({ name }: { readonly name: string }) {
  const [whole, setWhole] = useState(false)
  const code = useMutation({ mutationFn: () => exportFlow(name), meta: { quiet: true } })
  const found = typeof code.data === 'object' ? code.data : undefined
  const text = found === undefined ? '' : whole ? found.config : `${found.entry}\n`
  return (
    <Section title="As config code">
      <Stack gap="sm" align="stretch">
        {code.isError && <ErrorPanel error={code.error} />}
        {found === undefined ? (
          <Group>
            <Button variant="default" size="xs" loading={code.isPending} onClick={() => code.mutate()}>
              Export as code
            </Button>
            <Text size="sm" c="dimmed">
              What is saved, for `sluice.config.ts`.
            </Text>
          </Group>
        ) : (
          <>
            <Command text={text} label="Config code" />
            <Group gap="xs">
              <Button variant="default" size="xs" onClick={() => setWhole(!whole)}>
                {whole ? 'Only the entry' : 'As a whole config file'}
              </Button>
              <Button variant="default" size="xs" onClick={() => download(`${name}.ts`, text)}>
                Download
              </Button>
            </Group>
            {!whole && found.imports.length > 0 && (
              <Text size="sm" c="dimmed">
                It needs {found.imports.join(', ')} from `sluice`.
              </Text>
            )}
          </>
        )}
      </Stack>
    </Section>
  )
}

function Remove({ name }: { readonly name: string }) {
  const client = useQueryClient()
  const navigate = useNavigate()
  const remove = useMutation({
    mutationFn: () => removeFlow(name),
    onSuccess: async () => {
      tell('Removed', name)
      await navigate({ to: '/flows' })
      await client.invalidateQueries({ queryKey: getListFlowsQueryKey() })
    },
  })
  return (
    <Button
      variant="default"
      size="xs"
      loading={remove.isPending}
      onClick={() =>
        ask(
          {
            title: `Remove ${name}`,
            says: 'What waits is cancelled, what runs ends. Its history stays, and so does its table.',
            action: 'Remove the flow',
            reason: null,
            danger: true,
          },
          () => remove.mutate(),
        )
      }
    >
      Remove…
    </Button>
  )
}
