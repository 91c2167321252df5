/** Which part of a list: at most `limit` after where `cursor` (the `next` of the page before; null: the beginning) points. */
export interface Page {
  readonly limit: number
  readonly cursor: string | null
}

/** A part of a list: `next` is the cursor of the following one (null: this is the last), `total` counts the whole list. */
export interface Paged<T> {
  readonly items: readonly T[]
  readonly next: string | null
  readonly total: number
}
