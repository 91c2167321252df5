/** A column of a result; of a domain, the type below it. */
export interface Described {
  readonly name: string
  readonly typeOid: number
  readonly typeModifier: number
}

/** Can be told to wait. Rows that have arrived by then still come; the server waits when its buffers are full. */
export interface Pace {
  hold(): void
  resume(): void
}

/** Takes one row: each field as the server prints it. */
export type RowReader = (fields: readonly (string | null)[], pace: Pace) => void
