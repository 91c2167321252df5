/** One field of a definition: entered as its schema says, with what it is for beneath and what is wrong with it at its place. */
import {
  Autocomplete,
  Button,
  Checkbox,
  JsonInput,
  NumberInput,
  SegmentedControl,
  Select,
  TagsInput,
  Textarea,
  TextInput,
} from '@mantine/core'
import { useState } from 'react'
import { faultsAt, isObject, type Json, type Path } from './definition.ts'
import classes from './Editor.module.css'
import type { FormContext } from './form-context.ts'
import { Group } from './Group.tsx'
import { RecordInput } from './RecordInput.tsx'
import type { Alternative, Field, Input } from './shape.ts'
import { beginning, isScalar, scalarOf, wayOf } from './ways.ts'

/** `sourceEvery` → `Source every`. */
export function titleOf(path: Path, names: FormContext['names']): string {
  const known = names[path.join('.')]
  if (known !== undefined) return known
  const words = (path.at(-1) ?? '')
    .replace(/^\$/, '')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** What stands in a field that says nothing: what holds then. */
function hint(fallback: unknown): string {
  return typeof fallback === 'string' || typeof fallback === 'number' || typeof fallback === 'boolean'
    ? `${fallback} (default)`
    : ''
}

/** Undefined is left out: of `error`, which is a prop that may not be undefined. */
const wrong = (faults: readonly string[]): { readonly error?: string } =>
  faults.length === 0 ? {} : { error: faults.join('; ') }

export function FieldInput({
  field,
  path,
  form,
}: {
  readonly field: Field
  readonly path: Path
  readonly form: FormContext
}) {
  const { input, required, fallback } = field
  const value = form.value(path)
  const label = titleOf(path, form.names)
  const faults = faultsAt(form.faults, path, input.tag === 'list' || input.tag === 'json')
  const shared = {
    label,
    ...(field.description === null ? {} : { description: field.description }),
    required,
    ...wrong(faults),
  }
  switch (input.tag) {
    case 'text':
      return <TextField path={path} form={form} shared={shared} placeholder={hint(fallback)} />
    case 'number':
      return (
        <NumberInput
          {...shared}
          placeholder={hint(fallback)}
          value={typeof value === 'number' ? value : ''}
          allowDecimal={!input.whole}
          {...(input.min === null ? {} : { min: input.min })}
          {...(input.max === null ? {} : { max: input.max })}
          onChange={(next) => form.set(path, typeof next === 'number' ? next : undefined)}
        />
      )
    case 'flag':
      return (
        <Checkbox
          {...shared}
          checked={value === true || (value === undefined && fallback === true)}
          onChange={(event) => form.set(path, event.currentTarget.checked)}
        />
      )
    case 'choice':
      return (
        <Select
          {...shared}
          placeholder={hint(fallback)}
          data={[...input.values]}
          value={typeof value === 'string' ? value : null}
          onChange={(next) => form.set(path, next ?? undefined)}
          clearable
          clearButtonProps={{ 'aria-label': `${label}: nothing` }}
        />
      )
    case 'list':
      return (
        <TagsInput
          {...shared}
          data={[...(input.values ?? form.choices(path))]}
          value={Array.isArray(value) ? value.map(String) : []}
          onChange={(next) => form.set(path, next.length === 0 ? undefined : next)}
          clearButtonProps={{ 'aria-label': `${label}: none` }}
        />
      )
    case 'word':
      // There is nothing to enter.
      return null
    case 'group':
      return (
        <Group label={label} description={field.description} faults={faults}>
          {input.fields.map((inner) => (
            <FieldInput
              key={inner.key}
              // Needed only if anything of the group is said.
              field={{ ...inner, required: inner.required && (required || value !== undefined) }}
              path={[...path, inner.key]}
              form={form}
            />
          ))}
        </Group>
      )
    case 'record':
      return (
        <RecordInput
          label={label}
          description={field.description}
          fields={input.fields}
          path={path}
          form={form}
          draw={(inner, at) => <FieldInput key={inner.key} field={inner} path={at} form={form} />}
        />
      )
    case 'alternatives':
      return isScalar(input.options) ? (
        <TextInput
          {...shared}
          value={typeof value === 'string' || typeof value === 'number' ? String(value) : ''}
          onChange={(event) => form.set(path, scalarOf(event.currentTarget.value, input.options))}
        />
      ) : (
        <Ways field={field} options={input.options} path={path} form={form} />
      )
    case 'json':
      return <JsonField path={path} form={form} shared={shared} />
  }
}

interface Shared {
  readonly label: string
  readonly description?: string
  readonly required: boolean
  readonly error?: string
}

interface FieldProps {
  readonly path: Path
  readonly form: FormContext
  readonly shared: Shared
}

function TextField({ path, form, shared, placeholder }: FieldProps & { readonly placeholder: string }) {
  const value = form.value(path)
  const text = typeof value === 'string' ? value : ''
  const data = form.choices(path)
  const set = (next: string): void => form.set(path, next === '' && !shared.required ? undefined : next)
  if (form.long.includes(path.join('.')))
    return (
      <Textarea
        {...shared}
        placeholder={placeholder}
        value={text}
        onChange={(event) => set(event.currentTarget.value)}
        autosize
        minRows={3}
        maxRows={24}
        spellCheck={false}
        classNames={{ input: classes['code'] ?? '' }}
      />
    )
  if (data.length > 0)
    return (
      <Autocomplete {...shared} placeholder={placeholder} value={text} onChange={set} data={[...data]} limit={40} />
    )
  return (
    <TextInput
      {...shared}
      placeholder={placeholder}
      value={text}
      onChange={(event) => set(event.currentTarget.value)}
      spellCheck={false}
    />
  )
}

/** JSON while it is typed may be none yet: the definition follows when it is. */
function JsonField({ path, form, shared }: FieldProps) {
  const value = form.value(path)
  const [text, setText] = useState(value === undefined ? '' : JSON.stringify(value, null, 2))
  return (
    <JsonInput
      {...shared}
      value={text}
      onChange={(next) => {
        setText(next)
        if (next.trim() === '') return form.set(path, undefined)
        try {
          form.set(path, JSON.parse(next) as Json) // whatever JSON says
        } catch {
          // Not whole yet.
        }
      }}
      validationError="This is no JSON yet"
      formatOnBlur
      autosize
      minRows={2}
      classNames={{ input: classes['code'] ?? '' }}
    />
  )
}

/** What ways without a key of their own are called. */
const unnamed: Readonly<Partial<Record<Input['tag'], string>>> = { list: 'List', json: 'By name', record: 'By name' }

/** Several ways to write a value: one is chosen, and has its own fields. */
function Ways({
  field,
  options,
  path,
  form,
}: {
  readonly field: Field
  readonly options: readonly Alternative[]
  readonly path: Path
  readonly form: FormContext
}) {
  const value = form.value(path)
  const chosen = wayOf(value, options)
  const option = options[chosen]
  const label = titleOf(path, form.names)
  const nameOf = ({ key, besides = [], input }: Alternative): string => {
    const own = key === null ? (input.tag === 'text' ? '' : input.tag) : [key, ...besides].join('+')
    const known = form.names[`${path.join('.')}#${own}`]
    return known ?? (key === null ? (unnamed[input.tag] ?? 'Text') : titleOf([key], {}))
  }
  return (
    <Group label={label} description={field.description} faults={faultsAt(form.faults, path, false)}>
      <SegmentedControl
        size="xs"
        aria-label={`How ${label.toLowerCase()} is written`}
        data={options.map((one, index) => ({ value: String(index), label: nameOf(one) }))}
        value={String(chosen)}
        onChange={(next) => {
          const other = options[Number(next)]
          if (other !== undefined) form.set(path, beginning(other, value))
        }}
        className={classes['ways'] ?? ''}
      />
      {option !== undefined && (
        <Way option={option} label={nameOf(option)} required={field.required} path={path} form={form} />
      )}
      {!field.required && value !== undefined && (
        <Button variant="subtle" size="compact-xs" onClick={() => form.set(path, undefined)}>
          Leave it out
        </Button>
      )}
    </Group>
  )
}

function Way({
  option: { key, description, input },
  label,
  required,
  path,
  form,
}: {
  readonly option: Alternative
  readonly label: string
  readonly required: boolean
  readonly path: Path
  readonly form: FormContext
}) {
  if (input.tag === 'group')
    return input.fields.map((inner) => (
      <FieldInput key={inner.key} field={inner} path={[...path, inner.key]} form={form} />
    ))
  const names = { ...form.names, [path.join('.')]: label }
  return (
    <FieldInput
      key={key ?? ''}
      field={{ key: path.at(-1) ?? '', description, required, fallback: undefined, input }}
      path={path}
      // What is wrong with the whole is said above.
      form={{ ...form, names, faults: [] }}
    />
  )
}

/** Whether a value says something. */
export const isSaid = (value: Json | undefined): boolean =>
  value !== undefined && value !== '' && !(isObject(value) && Object.keys(value).length === 0)
