/** Definitions as code of a config file, as a person would write it. Pure. */
import type { Json } from '../lib/json.ts'
import { flowDefinition } from './schema.ts'

export interface ExportedFlow {
  /** An entry of `flows`: `teacher_data: sync({ … }),`. */
  readonly entry: string
  /** What the entry needs from `sluice`, sorted: `['file', 'sync']`. */
  readonly imports: readonly string[]
  /** A whole config file with this one flow. */
  readonly config: string
}

const width = 100

export function exportFlow(name: string, definition: Json): ExportedFlow {
  const used = new Set<string>()
  const { kind, ...given } = asObject(definition)
  const builder = typeof kind === 'string' ? kind : ''
  used.add(builder)
  const options = inOrder(given, builder)
  const write = (indent: number): string =>
    `${keyOf(name)}: ${builder}(${print(options, indent, indent + name.length + builder.length + 6, used)}),`
  const entry = write(0)
  const config = `    ${write(4)}`
  const imports = [...used].toSorted()
  return {
    entry,
    imports,
    config: `import { ${['defineConfig', ...imports].toSorted().join(', ')} } from 'sluice'

export default defineConfig({
  flows: {
${config}
  },
})
`,
  }
}

/** The options in the order of their schema: the database that they come from keeps none. What it does not know comes last. */
function inOrder(options: Readonly<Record<string, Json>>, kind: string): Readonly<Record<string, Json>> {
  const schema = flowDefinition.options.find(({ shape }) => shape.kind.value === kind)
  const order = Object.keys(schema?.shape ?? {})
  const place = (key: string): number => (order.includes(key) ? order.indexOf(key) : order.length)
  return Object.fromEntries(Object.entries(options).toSorted(([a], [b]) => place(a) - place(b)))
}

/** A value at an indentation, in a line whose first `taken` columns are taken. `used` collects the builders that it needs. */
function print(value: Json, indent: number, taken: number, used: Set<string>): string {
  const line = inOneLine(value, used)
  if (typeof value !== 'object' || value === null || (!line.includes('\n') && taken + line.length <= width)) return line
  if (!isArray(value) && referenceOf(value, used) !== null) return line
  const inner = indent + 2
  const [open, close] = isArray(value) ? ['[', ']'] : ['{', '}']
  const pad = ' '.repeat(inner)
  const lines = partsOf(value).map(
    ([label, item]) => `${pad}${label}${print(item, inner, inner + label.length + 1, used)},`,
  )
  return `${open}\n${lines.join('\n')}\n${' '.repeat(indent)}${close}`
}

function inOneLine(value: Json, used: Set<string>): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return text(value)
  if (typeof value !== 'object') return JSON.stringify(value)
  const reference = isArray(value) ? null : referenceOf(value, used)
  if (reference !== null) return reference
  const parts = partsOf(value).map(([label, item]) => label + inOneLine(item, used))
  if (isArray(value)) return `[${parts.join(', ')}]`
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`
}

function partsOf(value: Extract<Json, object>): readonly (readonly [label: string, value: Json])[] {
  return isArray(value)
    ? value.map((item) => ['', item] as const)
    : Object.entries(value).map(([key, item]) => [`${keyOf(key)}: `, item] as const)
}

/** `env('X')` for `{ $env: 'X' }`; null: it is no reference. */
function referenceOf(value: Readonly<Record<string, Json>>, used: Set<string>): string | null {
  const keys = Object.keys(value)
  const { $env, $secret, $file, or } = value
  const called = (builder: string, args: string): string => {
    used.add(builder)
    return `${builder}(${args})`
  }
  if (keys.length === 1 && typeof $env === 'string') return called('env', text($env))
  if (keys.length === 2 && typeof $env === 'string' && typeof or === 'string')
    return called('env', `${text($env)}, { or: ${text(or)} }`)
  if (keys.length === 1 && typeof $secret === 'string') return called('secret', text($secret))
  if (keys.length === 1 && typeof $file === 'string') return called('file', text($file))
  return null
}

/** Several lines as a template, one line in quotes; each reads back as exactly the text. */
function text(value: string): string {
  // A template turns \r\n into \n; other control characters are no sight for anybody.
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  const plain = !/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff\ufeff]/.test(value)
  if (plain && value.includes('\n'))
    return `\`${value.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')}\``
  const quoted = JSON.stringify(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${quoted.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}'`
}

function keyOf(key: string): string {
  // Written plainly it would set the prototype.
  if (key === '__proto__') return "['__proto__']"
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : text(key).replace(/^`[^]*`$/, () => JSON.stringify(key))
}

function asObject(value: Json): Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !isArray(value) ? value : {}
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
