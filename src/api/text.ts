/**
 * What no database can keep and no page can show is refused at the door, whatever it is for: U+0000 and halves of characters in texts, and
 * values that are nested without end. Everything behind it may take a text for a text.
 */
import type { FastifyInstance } from 'fastify'
import { SluiceError } from '../lib/error.ts'
import { partOf, pathOf } from './fit.ts'

/** Deeper than any definition. What is deeper would overflow the stack of whoever writes it as JSON again. */
const deepest = 64

interface TextFault {
  /** The way to it from the value. */
  readonly way: readonly string[]
  /** Whether a name below that is meant, not the value there. */
  readonly name: boolean
  readonly fault: string
}

/** What is wrong with a value, and where in it; null: nothing. Walks without recursion: the value may be as deep as a body is long. */
function findFault(value: unknown): TextFault | null {
  const left: { readonly value: unknown; readonly way: readonly string[] }[] = [{ value, way: [] }]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { way } = next
    if (typeof next.value === 'string') {
      const fault = faultOf(next.value)
      if (fault !== null) return { way, name: false, fault }
    }
    if (typeof next.value !== 'object' || next.value === null) continue
    if (way.length === deepest) return { way, name: false, fault: `is nested deeper than ${deepest}` }
    for (const [key, inner] of Object.entries(next.value)) {
      const fault = faultOf(key)
      if (fault !== null) return { way, name: true, fault }
      left.push({ value: inner, way: [...way, key] })
    }
  }
  return null
}

/** The same as text, of a value that is called `name`. */
export function textFault(value: unknown, name: string): string | null {
  const found = findFault(value)
  return found === null ? null : `${found.name ? 'a name in ' : ''}${[name, ...found.way].join('/')} ${found.fault}`
}

function faultOf(text: string): string | null {
  if (text.includes('\u0000')) return 'has the character U+0000'
  return text.isWellFormed() ? null : 'has half of a character'
}

/** Before anything is validated. */
export function refuseUnreadable(app: FastifyInstance): void {
  app.addHook('preValidation', async ({ params, query: querystring, body }) => {
    for (const [context, value] of Object.entries({ params, querystring, body })) {
      const found = findFault(value)
      if (found === null) continue
      throw new SluiceError('REQUEST_INVALID', 'The request has what cannot be kept', {
        why: textFault(value, partOf(context)) ?? found.fault,
        fix: 'send well-formed text without U+0000',
        problems: [{ path: pathOf(context, found.way), fault: `${found.name ? 'a name in it ' : ''}${found.fault}` }],
      })
    }
  })
}
