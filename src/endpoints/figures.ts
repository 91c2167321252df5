/** What an endpoint reckons of its rows. */
import type { EndpointDefinition } from './config.ts'

export type Figure = 'count' | 'distinct' | 'sum' | 'avg' | 'min' | 'max'

/** Name, what is reckoned, and of which column. */
export function figuresOf(
  definition: EndpointDefinition,
): readonly (readonly [string, { readonly of: Figure; readonly column: string }])[] {
  return Object.entries(definition.aggregate ?? {}).map(([name, figure]) => {
    const [[of, column] = ['count', '*']] = Object.entries(figure)
    return [name, { of: of as Figure, column: String(column) }] // the schema has no other
  })
}
