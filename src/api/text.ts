/**
 * What no database can keep and no page can show is refused at the door, whatever it is for: U+0000 and halves of characters in texts, and
 * values that are nested without end. Everything behind it may take a text for a text.
 */
import type { FastifyInstance } from 'fastify'
import { SluiceError } from '../lib/error.ts'

/** Deeper than any definition. What is deeper would overflow the stack of whoever writes it as JSON again. */
const deepest = 64

/** What is wrong with a value, and where in it; null: nothing. Walks without recursion: the value may be as deep as a body is long. */
export function textFault(value: unknown, name: string): string | null {
  const left: { readonly value: unknown; readonly path: string; readonly depth: number }[] = [
    { value, path: name, depth: 0 },
  ]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { path, depth } = next
    if (typeof next.value === 'string') {
      const fault = faultOf(next.value)
      if (fault !== null) return `${path} ${fault}`
    }
    if (typeof next.value !== 'object' || next.value === null) continue
    if (depth === deepest) return `${path} is nested deeper than ${deepest}`
    for (const [key, inner] of Object.entries(next.value)) {
      const fault = faultOf(key)
      if (fault !== null) return `a name in ${path} ${fault}`
      left.push({ value: inner, path: `${path}/${key}`, depth: depth + 1 })
    }
  }
  return null
}

function faultOf(text: string): string | null {
  if (text.includes('\u0000')) return 'has the character U+0000'
  return text.isWellFormed() ? null : 'has half of a character'
}

/** Before anything is validated. */
export function refuseUnreadable(app: FastifyInstance): void {
  app.addHook('preValidation', async (request) => {
    const fault =
      textFault(request.params, 'params') ?? textFault(request.query, 'query') ?? textFault(request.body, 'body')
    if (fault === null) return
    throw new SluiceError('REQUEST_INVALID', 'The request has what cannot be kept', {
      why: fault,
      fix: 'send well-formed text without U+0000',
    })
  })
}
