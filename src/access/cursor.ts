import { validate as isUuid } from 'uuid'
import { SluiceError } from '../lib/error.ts'
import type { Page, Paged } from '../lib/page.ts'

/** What the lists here are ordered by: ids that grow with time, newest first. */
export type IdKind = 'uuid' | 'number'

/** The id that a page begins after; `CURSOR_INVALID`. Pure. */
export function afterOf(page: Page, kind: IdKind): string | null {
  if (page.cursor === null) return null
  const id = Buffer.from(page.cursor, 'base64url').toString()
  if (kind === 'uuid' ? isUuid(id) : /^\d{1,18}$/.test(id)) return id
  throw new SluiceError('CURSOR_INVALID', 'The cursor is none of this list', {
    why: 'no page of it gave out such a cursor',
    fix: 'leave it out to begin at the newest, and pass on `next` as it is',
    problems: [{ path: 'cursor', fault: 'is not the `next` of one of its pages' }],
  })
}

/** A page of what was read with `limit + 1`. Pure. */
export function paged<Record extends { readonly id: string }>(
  found: readonly Record[],
  limit: number,
  total: number,
): Paged<Record> {
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return {
    items,
    next: found.length > limit && last !== undefined ? Buffer.from(last.id).toString('base64url') : null,
    total,
  }
}
