/** Cursors: opaque to callers, a position in the list to us. Whoever sends another text than one of ours is told so. */
import { z } from 'zod'
import { SluiceError } from '../lib/error.ts'
import type { Json } from '../lib/json.ts'
import { textFault } from './text.ts'

/** The text that names a position. */
export function toCursor(position: Json): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/** The position that a cursor names; undefined without one. `CURSOR_INVALID`: it is none of this list. */
export function fromCursor<Position extends z.ZodType>(
  position: Position,
  cursor: string | undefined,
): z.output<Position> | undefined {
  if (cursor === undefined) return undefined
  const read = readable(cursor)
  const parsed = position.safeParse(read)
  if (parsed.success && textFault(read, 'cursor') === null) return parsed.data
  throw new SluiceError('CURSOR_INVALID', 'The cursor is none of this list', {
    why: 'query/cursor is not the `next` of one of its pages',
    fix: 'begin without a cursor',
    problems: [{ path: 'cursor', fault: 'is not the `next` of one of its pages' }],
  })
}

function readable(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}

/** A page of a list that is small enough to be had as a whole, ordered by a name that is its own. Pure. */
export function pageByName<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): { readonly items: Item[]; readonly next: string | null; readonly total: number } {
  const after = fromCursor(z.string(), cursor)
  const sorted = items.toSorted((a, b) => compare(nameOf(a), nameOf(b)))
  const rest = after === undefined ? sorted : sorted.filter((item) => compare(nameOf(item), after) > 0)
  const page = rest.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page,
    next: rest.length > limit && last !== undefined ? toCursor(nameOf(last)) : null,
    total: items.length,
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
