import { quoted } from '../frame/curl.ts'

export interface Asked {
  readonly from: string | null
  readonly to: string | null
  readonly slices: readonly string[] | null
  readonly force: boolean
  readonly grain: string | null
  readonly clear: boolean
  readonly atOnce: number
}

/** How many at once when nobody says. */
const atOnceUnlessSaid = 2

/** A backfill as a command line that asks for the same. Pure. */
export function backfillCommand(flow: string, { from, to, slices, force, grain, clear, atOnce }: Asked): string {
  const words = ['sluice', 'backfill', flow]
  if (grain !== null) words.push('--grain', grain)
  if (from !== null) words.push('--from', from)
  if (to !== null) words.push('--to', to)
  if (slices !== null) words.push('--slice', ...slices)
  if (clear) words.push('--clear')
  if (force) words.push('--force')
  if (atOnce !== atOnceUnlessSaid) words.push('--at-once', String(atOnce))
  return words.map(quoted).join(' ')
}
