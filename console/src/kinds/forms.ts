/** The forms of the kinds: a kind adds a line. A kind without one has a form all the same, in the order of its schema. */
import type { KindForm } from './form.ts'
import { rollupForm } from './rollup/form.ts'
import { syncForm } from './sync/form.ts'

const forms: readonly KindForm[] = [syncForm, rollupForm]

export function formOf(kind: string): KindForm {
  return (
    forms.find((form) => form.kind === kind) ?? { kind, says: '', start: { kind }, sections: [], names: {}, long: [] }
  )
}
