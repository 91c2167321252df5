/** What a kind asks of a new backfill's range. */
export interface Range {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly grain?: string | undefined
  readonly clear?: 'yes' | undefined
}

export interface RangeProps {
  readonly flow: string
  readonly range: Range
  readonly set: (part: Range) => void
}
