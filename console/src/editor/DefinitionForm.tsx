/** The form of a definition: the fields of its schema, in the sections of its kind. */
import { useMemo } from 'react'
import type { KindForm } from '../kinds/form.ts'
import { useChoices } from './choices.ts'
import { type Fault, faultsAt, type JsonObject, valueAt, withValue } from './definition.ts'
import classes from './Editor.module.css'
import { FieldInput, isSaid } from './FieldInput.tsx'
import type { FormContext } from './form-context.ts'
import { sectionsOf } from './sections.ts'
import type { Field } from './shape.ts'

/** These have the whole width: they have fields of their own, or long text. */
const wide = new Set<Field['input']['tag']>(['group', 'record', 'alternatives', 'json'])

export function DefinitionForm({
  flow,
  fields,
  form: kind,
  definition,
  faults,
  onChange,
}: {
  readonly flow: string
  readonly fields: readonly Field[]
  readonly form: KindForm
  readonly definition: JsonObject
  readonly faults: readonly Fault[]
  readonly onChange: (definition: JsonObject) => void
}) {
  const choices = useChoices(flow)
  const sections = useMemo(() => sectionsOf(fields, kind.sections), [fields, kind])
  const form: FormContext = {
    value: (path) => valueAt(definition, path),
    set: (path, value) => onChange(withValue(definition, path, value)),
    faults,
    choices,
    names: kind.names,
    long: kind.long,
  }
  return sections.map(({ section, fields: its }) => (
    <details
      key={section.title}
      className={classes['section']}
      // What is said, or wrong, is seen.
      open={
        section.folded !== true ||
        its.some(({ key }) => isSaid(definition[key]) || faultsAt(faults, [key], true).length > 0)
      }
    >
      <summary>
        {section.title} <span>{section.about}</span>
      </summary>
      <div className={classes['fields']}>
        {its.map((field) => (
          <div key={field.key} data-wide={wide.has(field.input.tag) || undefined}>
            <FieldInput field={field} path={[field.key]} form={form} />
          </div>
        ))}
      </div>
    </details>
  ))
}
