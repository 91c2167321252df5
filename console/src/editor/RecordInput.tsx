/** Entries by name, such as columns: each with fields of its own. */
import { ActionIcon, Button, TextInput } from '@mantine/core'
import { IconPlus, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { faultsAt, isObject, type Path, renamed } from './definition.ts'
import classes from './Editor.module.css'
import type { FormContext } from './form-context.ts'
import { Group } from './Group.tsx'
import type { Field } from './shape.ts'

export function RecordInput({
  label,
  description,
  fields,
  path,
  form,
  draw,
}: {
  readonly label: string
  readonly description: string | null
  readonly fields: readonly Field[]
  readonly path: Path
  readonly form: FormContext
  /** Draws a field of an entry. */
  readonly draw: (field: Field, path: Path) => ReactNode
}) {
  const value = form.value(path)
  const entries = isObject(value) ? value : {}
  const [added, setAdded] = useState('')
  const add = (): void => {
    const name = added.trim()
    if (name === '' || name in entries) return
    form.set(path, { ...entries, [name]: {} })
    setAdded('')
  }
  const remove = (name: string): void => {
    const { [name]: _gone, ...others } = entries
    form.set(path, Object.keys(others).length === 0 ? undefined : others)
  }
  return (
    <Group label={label} description={description} faults={faultsAt(form.faults, path, false)}>
      {Object.keys(entries).map((name) => (
        <div key={name} className={classes['entry']}>
          <TextInput
            label="Name"
            defaultValue={name}
            onBlur={(event) => {
              const to = event.currentTarget.value.trim()
              if (to === '' || (to !== name && to in entries)) event.currentTarget.value = name
              else if (to !== name) form.set(path, renamed(entries, name, to))
            }}
            spellCheck={false}
          />
          {fields.map((field) => draw({ ...field, description: null }, [...path, name, field.key]))}
          <ActionIcon variant="subtle" color="gray" onClick={() => remove(name)} aria-label={`Take ${name} out`}>
            <IconX size={16} />
          </ActionIcon>
        </div>
      ))}
      <div className={classes['add']}>
        <TextInput
          aria-label={`A further name for ${label.toLowerCase()}`}
          placeholder="name"
          value={added}
          onChange={(event) => setAdded(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return
            // The form is not sent by it.
            event.preventDefault()
            add()
          }}
          spellCheck={false}
        />
        <Button variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={add}>
          Add
        </Button>
      </div>
    </Group>
  )
}
