/** The kinds of flow that the API knows, each with the fields of its form. */
import { useQuery } from '@tanstack/react-query'
import type { UseQueryResult } from '@tanstack/react-query'
import { getListKindsQueryOptions } from '../client/flows.ts'
import type { Field, Shape } from './shape.ts'
import { fieldsOfKind } from './shape.ts'

export interface EditableKind {
  readonly kind: string
  readonly fields: readonly Field[]
}

export function useKinds(): UseQueryResult<readonly EditableKind[]> {
  return useQuery({
    ...getListKindsQueryOptions(),
    staleTime: Number.POSITIVE_INFINITY,
    select: ({ items }) =>
      // JSON Schema, as the API says.
      items.map(({ kind, schema }) => ({ kind, fields: fieldsOfKind(schema as Shape, kind) ?? [] })),
  })
}
