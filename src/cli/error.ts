import { inspect } from 'node:util'
import type { SluiceError } from '../lib/error.ts'
import type { Output } from './output.ts'

/** An error for people: code, summary, why, fix, where; the stack only when it was asked for. Pure. */
export function formatError(error: SluiceError, trace: boolean, style: Output['style']): string {
  const places = Object.entries(error.where).flatMap(([what, where]) =>
    where === undefined ? [] : [`${what} ${where}`],
  )
  const lines = [
    `${style('red', error.code)}: ${error.summary}`,
    ...labelled('why', error.why),
    ...labelled('fix', error.fix),
    ...(places.length === 0 ? [] : labelled('where', places.join(', '))),
  ]
  return trace ? `${lines.join('\n')}\n${stacks(error)}` : lines.join('\n')
}

function labelled(label: string, text: string): readonly string[] {
  const [first = '', ...more] = text.split('\n')
  const indent = ' '.repeat(label.length + 4)
  return [`  ${label}: ${first}`, ...more.map((line) => indent + line)]
}

function stacks(error: unknown): string {
  const parts: string[] = []
  for (let one: unknown = error; one !== undefined && one !== null && parts.length < 10;) {
    parts.push(one instanceof Error ? (one.stack ?? one.message) : inspect(one))
    one = one instanceof Error ? one.cause : undefined
  }
  return parts.join('\ncaused by ')
}
