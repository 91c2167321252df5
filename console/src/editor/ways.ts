/** Values that can be written in several ways. Pure. */
import { isObject, type Json } from './definition.ts'
import type { Alternative, Input } from './shape.ts'

/** Whether all ways are single values, as of `lookback: '2h'` and `lookback: 5`: one field takes either. */
export function isScalar(options: readonly Alternative[]): boolean {
  return options.every(({ key, input }) => key === null && (input.tag === 'text' || input.tag === 'number'))
}

/** What somebody typed into such a field: a number where a number is one of the ways. */
export function scalarOf(text: string, options: readonly Alternative[]): Json | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  const numeric = options.some(({ input }) => input.tag === 'number') && /^-?\d+(\.\d+)?$/.test(trimmed)
  return numeric ? Number(trimmed) : text
}

/** The way in which a value is written: the one whose key it has, else one that takes such values; the first when nothing is written yet. */
export function wayOf(value: Json | undefined, options: readonly Alternative[]): number {
  if (value === undefined) return 0
  const keys = ({ key, besides = [] }: Alternative): readonly string[] => (key === null ? [] : [key, ...besides])
  const fitting = options.filter((one) => isObject(value) && one.key !== null && keys(one).every((key) => key in value))
  const [most] = fitting.toSorted((a, b) => keys(b).length - keys(a).length)
  const keyed = most === undefined ? -1 : options.indexOf(most)
  const taken = keyed >= 0 ? keyed : options.findIndex(({ key, input }) => key === null && takes(input, value))
  return Math.max(0, taken >= 0 ? taken : options.findIndex(({ key }) => key === null))
}

function takes(input: Input, value: Json): boolean {
  switch (input.tag) {
    case 'word':
      return value === input.word
    case 'list':
      return Array.isArray(value)
    case 'group':
    case 'record':
    case 'json':
      return isObject(value)
    case 'text':
    case 'choice':
      return typeof value === 'string'
    case 'number':
      return typeof value === 'number'
    case 'flag':
      return typeof value === 'boolean'
    case 'alternatives':
      return false
  }
}

/** What a value begins with when this way is chosen; what both ways have, such as `store`, stays. */
export function beginning(option: Alternative, before: Json | undefined): Json | undefined {
  if (option.key === null) return emptyOf(option.input)
  if (option.input.tag !== 'group') return {}
  const shared = option.input.fields.filter(({ key }) => key !== option.key && isObject(before) && key in before)
  const own = [option.key, ...(option.besides ?? [])].map((name) => {
    const field = option.input.tag === 'group' ? option.input.fields.find(({ key }) => key === name) : undefined
    return [name, field === undefined ? '' : (emptyOf(field.input) ?? '')] as const
  })
  return {
    ...Object.fromEntries(own),
    ...Object.fromEntries(shared.map(({ key }) => [key, isObject(before) ? (before[key] ?? null) : null])),
  }
}

function emptyOf(input: Input): Json | undefined {
  switch (input.tag) {
    case 'text':
      return ''
    case 'word':
      return input.word
    case 'group': {
      const required = input.fields.filter((field) => field.required)
      return Object.fromEntries(required.map((field) => [field.key, emptyOf(field.input) ?? '']))
    }
    case 'list':
      return []
    case 'record':
    case 'json':
      return {}
    case 'number':
    case 'flag':
    case 'choice':
    case 'alternatives':
      return undefined
  }
}
