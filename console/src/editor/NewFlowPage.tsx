import { Anchor, Select, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { getGetFlowQueryOptions } from '../client/flows.ts'
import { Empty } from '../frame/Empty.tsx'
import { ErrorPanel } from '../frame/ErrorPanel.tsx'
import { Loading } from '../frame/Loading.tsx'
import { PageHeader } from '../frame/PageHeader.tsx'
import { useMay } from '../frame/session.ts'
import { formOf } from '../kinds/forms.ts'
import type { JsonObject } from './definition.ts'
import { FlowEditor } from './FlowEditor.tsx'
import { useKinds } from './kinds.ts'

const route = getRouteApi('/inside/editor')
const title = 'New flow'

export function NewFlowPage() {
  const { kind, like } = route.useSearch()
  const navigate = useNavigate({ from: '/editor' })
  const may = useMay('admin')
  const kinds = useKinds()
  const model = useQuery({ ...getGetFlowQueryOptions(like ?? ''), enabled: like !== undefined })
  if (!may)
    return (
      <>
        <PageHeader title={title} />
        <Empty title="Flows are made by admins" command="sluice token create --name me --role admin">
          Ask an admin for the role, or write the flow into the config file.
        </Empty>
      </>
    )
  const error = kinds.error ?? model.error
  if (error !== null)
    return (
      <>
        <PageHeader title={title} />
        <ErrorPanel error={error} />
      </>
    )
  if (kinds.data === undefined || (like !== undefined && model.data === undefined)) return <Loading />
  const chosen = model.data?.kind ?? kind ?? kinds.data[0]?.kind ?? ''
  const fields = kinds.data.find((one) => one.kind === chosen)?.fields
  if (fields === undefined)
    return (
      <>
        <PageHeader title={title} />
        <Empty title="This version has no such kind of flow">
          It has {kinds.data.map((one) => one.kind).join(', ')}.
        </Empty>
      </>
    )
  const form = formOf(chosen)
  return (
    <FlowEditor
      key={`${chosen} ${like ?? ''}`}
      title={title}
      about={
        <>
          {form.says} It lives in the state database and is checked like the config file.
          {like !== undefined && (
            <Text span inherit>
              {' '}
              It begins as {like}.
            </Text>
          )}{' '}
          <Anchor href="/docs" underline="always" inherit>
            The API does the same.
          </Anchor>
        </>
      }
      name={null}
      fields={fields}
      form={form}
      // A definition is plain JSON.
      start={(model.data?.definition as JsonObject | undefined) ?? form.start}
      version={null}
      actions={
        kinds.data.length > 1 && (
          <Select
            aria-label="Kind"
            data={kinds.data.map((one) => one.kind)}
            value={chosen}
            onChange={(next) => void navigate({ search: { kind: next ?? undefined } })}
            allowDeselect={false}
          />
        )
      }
    />
  )
}
