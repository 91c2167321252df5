/** What an endpoint is asked: a field for each parameter that it describes. What is chosen is asked at once, and stands in the URL. */
import { ActionIcon, Button, MultiSelect, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconX } from '@tabler/icons-react'
import { useState } from 'react'
import type { Endpoint } from '../client/model/endpoint.ts'
import type { EndpointParameter } from '../client/model/endpointParameter.ts'
import { Section } from '../frame/PageHeader.tsx'
import classes from './Data.module.css'
import { filtersByColumn, hintOf, operatorInWords, type Query, sortable, valuesOf, withParameter } from './query.ts'

/** So long after the last letter it is asked. */
const typingMs = 350

interface AskProps {
  readonly endpoint: Endpoint
  readonly query: Query
  readonly onChange: (query: Query) => void
}

export function Ask({ endpoint, query, onChange }: AskProps) {
  const { parameters } = endpoint
  const set = (name: string, value: string | undefined): void => onChange(withParameter(query, name, value))
  const of = (role: EndpointParameter['role']): readonly EndpointParameter[] =>
    parameters.filter((parameter) => parameter.role === role)
  const [search] = of('search')
  const [sort] = of('sort')
  const [select] = of('select')
  const [limit] = of('limit')
  if (parameters.length === 0)
    return (
      <Section title="Ask">
        <Text c="dimmed">It takes no parameter.</Text>
      </Section>
    )
  return (
    <Section title="Ask">
      <Stack gap="sm">
        {of('param').map((parameter) => (
          <Value key={parameter.name} parameter={parameter} label={parameter.name} query={query} set={set} />
        ))}
        {search !== undefined && <Value parameter={search} label="Search" query={query} set={set} />}
        <Filters parameters={parameters} query={query} set={set} />
        {sort !== undefined && <Sort parameter={sort} query={query} set={set} />}
        {select !== undefined && (
          <MultiSelect
            label="Columns"
            placeholder={query['select'] === undefined ? 'All' : ''}
            data={endpoint.columns?.map(({ name }) => name) ?? []}
            value={query['select']?.split(',') ?? []}
            onChange={(names) => set('select', names.length === 0 ? undefined : names.join(','))}
            clearable
            clearButtonProps={{ 'aria-label': 'All columns' }}
            searchable
          />
        )}
        {limit !== undefined && (
          <NumberInput
            label="Rows of a page"
            placeholder={endpoint.page === null ? '' : `${endpoint.page.size} (default)`}
            {...(endpoint.page === null ? {} : { description: `At most ${endpoint.page.max}; more is refused.` })}
            min={1}
            value={query['limit'] === undefined ? '' : Number(query['limit'])}
            onChange={(value) => set('limit', typeof value === 'number' ? String(value) : undefined)}
          />
        )}
      </Stack>
    </Section>
  )
}

interface FieldProps {
  readonly query: Query
  readonly set: (name: string, value: string | undefined) => void
}

/** One value, as text: what the type refuses, the endpoint says. */
function Value({
  parameter,
  label,
  query,
  set,
}: FieldProps & { readonly parameter: EndpointParameter; readonly label: string }) {
  const values = valuesOf(parameter)
  const asked = query[parameter.name]
  const [text, setText] = useState(asked ?? '')
  const ask = useDebouncedCallback((value: string) => set(parameter.name, value === '' ? undefined : value), typingMs)
  if (values.length > 0)
    return (
      <Select
        label={label}
        description={parameter.description}
        data={[...values]}
        value={asked ?? null}
        onChange={(value) => set(parameter.name, value ?? undefined)}
        clearable
        clearButtonProps={{ 'aria-label': `${label}: any` }}
        required={parameter.required}
      />
    )
  return (
    <TextInput
      label={label}
      description={parameter.description}
      placeholder={hintOf(parameter)}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value)
        ask(event.currentTarget.value)
      }}
      required={parameter.required}
      spellCheck={false}
    />
  )
}

/** Those that are set, and a line for a further one: column, operator. */
function Filters({ parameters, query, set }: FieldProps & { readonly parameters: readonly EndpointParameter[] }) {
  const byColumn = filtersByColumn(parameters)
  const [column, setColumn] = useState<string | null>(null)
  const [added, setAdded] = useState<readonly string[]>([])
  if (byColumn.size === 0) return null
  const shown = parameters.filter(
    ({ name, role }) => role === 'filter' && (query[name] !== undefined || added.includes(name)),
  )
  const free = (byColumn.get(column ?? '') ?? []).filter(({ name }) => !shown.some((one) => one.name === name))
  return (
    <>
      {shown.map((parameter) => (
        <div key={parameter.name} className={classes['filter']} style={{ gridTemplateColumns: 'minmax(0, 1fr) auto' }}>
          <Value
            parameter={{ ...parameter, description: '' }}
            label={`${parameter.column} ${operatorInWords(parameter)}`}
            query={query}
            set={set}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label={`Without: ${parameter.column} ${operatorInWords(parameter)}`}
            onClick={() => {
              setAdded(added.filter((name) => name !== parameter.name))
              set(parameter.name, undefined)
            }}
          >
            <IconX size={16} />
          </ActionIcon>
        </div>
      ))}
      <div className={classes['filter']}>
        <Select
          label="Filter by"
          placeholder="Column"
          data={[...byColumn.keys()]}
          value={column}
          onChange={setColumn}
          searchable
        />
        <Select
          aria-label="Operator"
          placeholder="How"
          data={free.map((parameter) => ({ value: parameter.name, label: operatorInWords(parameter) }))}
          value={null}
          disabled={column === null}
          onChange={(name) => {
            if (name === null) return
            setAdded([...added, name])
            setColumn(null)
          }}
        />
        <span />
      </div>
    </>
  )
}

function Sort({ parameter, query, set }: FieldProps & { readonly parameter: EndpointParameter }) {
  const asked = query['sort']
  return (
    <div className={classes['filter']}>
      <Select
        label="Sort by"
        placeholder="As it comes"
        data={sortable(parameter)}
        value={asked?.replace(/^-/, '').split(',')[0] ?? null}
        onChange={(name) => set('sort', name ?? undefined)}
        clearable
        clearButtonProps={{ 'aria-label': 'Sort: as it comes' }}
      />
      <Button
        variant="default"
        disabled={asked === undefined}
        onClick={() => set('sort', asked?.startsWith('-') === true ? asked.slice(1) : `-${asked ?? ''}`)}
      >
        {asked?.startsWith('-') === true ? 'descending' : 'ascending'}
      </Button>
    </div>
  )
}
