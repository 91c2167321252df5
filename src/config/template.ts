import { Environment } from 'minijinja-js'
import { SluiceError } from '../lib/error.ts'

/**
 * Renders a Jinja2 template of SQL. What is not defined is an error, nothing is escaped behind the author's back; two filters
 * write values as SQL:
 *
 * - `{{ value | literal }}`: `'it''s'`, `42`, `(-1)`, `true`; a list is `('a', 'b')`, for `in`.
 * - `{{ name | identifier }}`: `"order"`; a list is a path, `"sales"."order"`.
 *
 * Rejects with `TEMPLATE_INVALID`, with the line.
 */
export function renderTemplate(path: string, source: string, params: Readonly<Record<string, unknown>>): string {
  // A new engine each time: one that was left by an error cannot be used again.
  const engine = new Environment()
  engine.undefinedBehavior = 'strict'
  engine.enablePyCompat()
  engine.keepTrailingNewline = true
  let refused: string | null = null
  // A filter that throws breaks the engine. One that returns what the engine cannot hold fails with file and line.
  const filter = (write: (value: unknown) => string | Refusal) => (value: unknown) => {
    const written = write(value)
    if (typeof written === 'string') return written
    refused = written.refused
    return Symbol('refused')
  }
  engine.addFilter('literal', filter(sqlLiteral))
  engine.addFilter('identifier', filter(sqlIdentifier))
  try {
    // The name decides on escaping: this one asks for none.
    return engine.renderNamedStr('template.txt', source, params)
  } catch (error) {
    throw templateError(path, refused, error)
  } finally {
    engine.free()
  }
}

interface Refusal {
  readonly refused: string
}

/** A value in SQL's own spelling, as PostgreSQL and DuckDB read it. Pure. */
export function sqlLiteral(value: unknown): string | Refusal {
  switch (typeof value) {
    case 'string':
      return value.includes('\0') ? { refused: 'text with a zero byte has no SQL literal' } : quote(value, "'")
    case 'number':
      if (!Number.isFinite(value)) return { refused: `${value} has no SQL literal` }
      // In parentheses: `-1::text` is not the text of -1, and two minus signs in a row begin a comment.
      return value < 0 || Object.is(value, -0) ? `(${value})` : String(value)
    case 'boolean':
      return String(value)
    default:
  }
  if (value === undefined || value === null)
    return {
      refused:
        'the value is undefined or none; where none is meant, write `{% if x is none %}null{% else %}{{ x | literal }}{% endif %}`',
    }
  if (!Array.isArray(value)) return { refused: 'a mapping has no SQL literal' }
  if (value.length === 0) return { refused: 'an empty list has no SQL literal: `in ()` is no SQL' }
  const parts: string[] = []
  for (const item of value) {
    const part = sqlLiteral(item)
    if (typeof part !== 'string') return part
    parts.push(part)
  }
  return `(${parts.join(', ')})`
}

/** A name in SQL's own spelling. Pure. */
export function sqlIdentifier(value: unknown): string | Refusal {
  if (value === undefined || value === null) return { refused: 'the name is undefined or none' }
  const parts: unknown[] = Array.isArray(value) ? value : [value]
  const written: string[] = []
  for (const part of parts) {
    if (typeof part !== 'string' || part === '' || part.includes('\0'))
      return { refused: 'a name is text that is not empty, or a list of such texts' }
    written.push(quote(part, '"'))
  }
  return written.length === 0 ? { refused: 'an empty list is no name' } : written.join('.')
}

function quote(text: string, mark: string): string {
  return mark + text.replaceAll(mark, mark + mark) + mark
}

function templateError(path: string, refused: string | null, error: unknown): SluiceError {
  const message = error instanceof Error ? error.message : String(error)
  const line = /\(in template\.txt:(\d+)\)/.exec(message)?.[1]
  const said = message.split('\n')[0]?.replace(/ \(in template\.txt:\d+\)/, '') ?? message
  return new SluiceError('TEMPLATE_INVALID', `The template ${path} cannot be rendered`, {
    why: refused ?? (said === 'undefined value' ? 'it names something that is not in `params`' : said),
    fix: 'define the name in `params` of the flow or of the config, or correct the template',
    where: { file: line === undefined ? path : `${path}:${line}` },
    cause: error,
  })
}
