/** The fields of a schema in the sections of a kind's form. Pure. */
import type { FormSection } from '../kinds/form.ts'
import type { Field } from './shape.ts'

export interface FilledSection {
  readonly section: FormSection
  readonly fields: readonly Field[]
}

const rest: FormSection = { title: 'More', about: 'What else its schema has.', keys: [], folded: true }

/** Every field once: where its section puts it, else in a last one. A section of which the schema has nothing is left out. */
export function sectionsOf(fields: readonly Field[], sections: readonly FormSection[]): readonly FilledSection[] {
  const named = new Set(sections.flatMap(({ keys }) => keys))
  const filled = sections.map((section) => ({
    section,
    fields: section.keys.flatMap((key) => fields.filter((field) => field.key === key)),
  }))
  const others = fields.filter(({ key }) => !named.has(key))
  const last = sections.length === 0 ? { ...rest, title: 'Definition', about: '', folded: false } : rest
  return [...filled, { section: last, fields: others }].filter((one) => one.fields.length > 0)
}
