/**
 * Makes or changes a flow of the console. Nothing is saved before its plan was seen:
 *
 *     editing ──Show the plan──> planned ──Save──> the flow's page
 *        ^  └──refused: each fault at its field     │
 *        └──────────anything changed────────────────┘
 */
import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { getGetFlowQueryKey, planFlow, saveFlow } from '../client/flows.ts'
import type { FlowPlan } from '../client/model/flowPlan.ts'
import { Command } from '../frame/Command.tsx'
import { Empty } from '../frame/Empty.tsx'
import { FaultPanel } from '../frame/ErrorPanel.tsx'
import { asProblem } from '../frame/http.ts'
import { PageHeader, Section } from '../frame/PageHeader.tsx'
import { tell } from '../frame/tell.tsx'
import type { KindForm } from '../kinds/form.ts'
import { PlanView } from '../runs/PlanView.tsx'
import { DefinitionForm } from './DefinitionForm.tsx'
import { type Fault, faultsOf, type JsonObject } from './definition.ts'
import classes from './Editor.module.css'
import type { Field } from './shape.ts'

const changeWords = {
  new: 'Saving makes a new flow.',
  nothing: 'Saving changes nothing: it is what is saved already.',
  timing: 'Saving changes when it runs, or what is guarded; its content stays as it is.',
  content: 'Saving changes its content: the next run redoes it.',
} as const

export interface FlowEditorProps {
  readonly title: string
  readonly about: ReactNode
  /** Null: it is new, and its name is asked for. */
  readonly name: string | null
  readonly fields: readonly Field[]
  readonly form: KindForm
  readonly start: JsonObject
  /** The version that `start` is; null: none. */
  readonly version: number | null
  /** What stands beside the form besides plan and definition. */
  readonly beside?: (use: (definition: JsonObject) => void) => ReactNode
  readonly actions?: ReactNode
}

export function FlowEditor(props: FlowEditorProps) {
  const { name: fixed, form, fields } = props
  const client = useQueryClient()
  const navigate = useNavigate()
  const [name, setName] = useState(fixed ?? '')
  // Of what is being written, whatever arrives meanwhile: who saved between is not overwritten.
  const [version] = useState(props.version)
  const [definition, setDefinition] = useState(props.start)
  const asked = JSON.stringify([name, definition])
  const plan = useMutation({
    mutationFn: async () => ({ asked, found: await planFlow(name, { definition: apiDefinition(definition) }) }),
    meta: { quiet: true },
  })
  const save = useMutation({
    mutationFn: () => saveFlow(name, { definition: apiDefinition(definition), version }),
    onSuccess: async (saved) => {
      client.setQueryData(getGetFlowQueryKey(name), saved)
      tell('Saved', `${name}, version ${saved.version}`)
      await navigate({ to: '/flows/$flow', params: { flow: name } })
    },
    meta: { quiet: true },
  })
  const error = save.error ?? plan.error
  const problem = error === null ? null : asProblem(error)
  const faults: readonly Fault[] = faultsOf(problem?.problems ?? [])
  const shown = plan.data?.asked === asked ? plan.data.found : null
  const change = (next: JsonObject): void => {
    save.reset()
    setDefinition(next)
  }
  return (
    <>
      <PageHeader title={props.title} about={props.about}>
        {props.actions}
      </PageHeader>
      <form
        className={classes['columns']}
        onSubmit={(event) => {
          event.preventDefault()
          plan.mutate()
        }}
        noValidate
      >
        <div>
          {fixed === null && (
            <Section title="Name">
              <TextInput
                label="Name"
                description="Letters, digits, _ and -; it names the flow everywhere, and cannot be changed later."
                value={name}
                onChange={(event) => {
                  save.reset()
                  setName(event.currentTarget.value.trim())
                }}
                required
                maxLength={63}
                spellCheck={false}
                {...(problem?.code === 'FLOW_READ_ONLY' || problem?.code === 'FLOW_VERSION_CONFLICT'
                  ? { error: problem.title }
                  : {})}
              />
            </Section>
          )}
          <DefinitionForm
            flow={name}
            fields={fields}
            form={form}
            definition={definition}
            faults={faults}
            onChange={change}
          />
        </div>
        <Stack gap="md" className={classes['aside'] ?? ''}>
          {problem !== null && <FaultPanel fault={problem} />}
          <Section title="Plan">
            {shown === null ? (
              <Empty title={plan.isPending ? 'Asking the stores…' : 'Not planned yet'}>
                What a run of it would do stands here before anything is saved.
              </Empty>
            ) : (
              <Planned plan={shown} />
            )}
            <Group gap="xs" mt="sm">
              <Button
                type="submit"
                variant={shown === null ? 'filled' : 'default'}
                loading={plan.isPending}
                disabled={name === ''}
              >
                Show the plan
              </Button>
              <Button disabled={shown === null} loading={save.isPending} onClick={() => save.mutate()}>
                Save
              </Button>
            </Group>
          </Section>
          {props.beside?.(change)}
          <Section title="What would be saved">
            <Command text={`${JSON.stringify(definition, null, 2)}\n`} label="The definition" />
          </Section>
        </Stack>
      </form>
    </>
  )
}

/** The same JSON: the client's type of it has no null, which our schema has none of either. */
const apiDefinition = (definition: JsonObject) => definition as Parameters<typeof saveFlow>[1]['definition']

function Planned({ plan }: { readonly plan: Awaited<ReturnType<typeof planFlow>> }) {
  // With a definition the API plans at once and never answers with a run.
  if (!('steps' in plan)) return null
  const { changes, slices, steps }: FlowPlan = plan
  return (
    <Stack gap="sm">
      {changes !== null && <Text fw={600}>{changeWords[changes]}</Text>}
      <PlanView slices={slices} steps={steps} />
    </Stack>
  )
}
