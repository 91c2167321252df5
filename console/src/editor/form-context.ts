import type { Choices } from './choices.ts'
import type { Fault, Json, Path } from './definition.ts'

/** What every field of a form needs. */
export interface FormContext {
  readonly value: (path: Path) => Json | undefined
  readonly set: (path: Path, value: Json | undefined) => void
  readonly faults: readonly Fault[]
  readonly choices: Choices
  readonly names: Readonly<Record<string, string>>
  readonly long: readonly string[]
}
