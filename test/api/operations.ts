/** The operations of the OpenAPI document, as the tests that go through all of them need them. */
import type { TestApi } from '../support/api.ts'

export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly format?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly propertyNames?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly schema: Schema
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type Needs = 'viewer' | 'operator' | 'admin' | 'any' | null

export interface Operation {
  readonly id: string
  readonly method: Method
  /** With its parameters in braces. */
  readonly path: string
  readonly role: Needs
  readonly summary: string
  readonly parameters: readonly Parameter[]
  /** null: it takes no body. */
  readonly body: Schema | null
  /** By status, then by media type. */
  readonly answers: Readonly<Record<string, Readonly<Record<string, Schema | null>>>>
  /** Answers with a stream that has no end. */
  readonly streams: boolean
}

interface Described {
  readonly operationId: string
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly 'x-sluice-role'?: Needs
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }>
  >
}

export interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

export async function documentOf(api: TestApi): Promise<Document> {
  return (await api.ask({ url: '/openapi.json', as: null })).json<Document>()
}

export function operationsOf({ paths }: Document): readonly Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]): Operation => {
      const answers = Object.fromEntries(
        Object.entries(described.responses).map(([status, { content = {} }]) => [
          status,
          Object.fromEntries(Object.entries(content).map(([type, { schema }]) => [type, schema ?? null])),
        ]),
      )
      return {
        id: described.operationId,
        method: method.toUpperCase() as Method, // what OpenAPI has
        path,
        role: described['x-sluice-role'] ?? null,
        summary: described.summary ?? '',
        parameters: (described.parameters ?? []).map((one) => ({ ...one, required: one.required ?? false })),
        body: described.requestBody?.content['application/json']?.schema ?? null,
        answers,
        streams: Object.values(answers).some((types) => 'text/event-stream' in types),
      }
    }),
  )
}

/** Follows references; a schema that refers to itself ends at the call of whoever walks it. */
export function resolve(document: Document, schema: Schema): Schema {
  if (schema.$ref === undefined) return schema
  const name = schema.$ref.replace('#/components/schemas/', '')
  const found = document.components.schemas[name]
  if (found === undefined) throw new Error(`${schema.$ref} is not in the document`)
  return resolve(document, found)
}
