/** A bucket beside its events, in words. Pure. */
import type { BucketComparison } from '../../client/model/bucketComparison.ts'
import { count, plural } from '../../frame/number.ts'

type Row = BucketComparison['rows'][number]

export function comparedWords({ counts, state }: Pick<BucketComparison, 'counts' | 'state'>): string {
  const { events, table, missing, extra, changed } = counts
  const odd = missing + extra + changed
  if (events === 0 && table === 0)
    return state === 'waiting'
      ? 'Nothing is counted of it yet.'
      : 'No event lies in it, and the table has no row of it.'
  if (odd === 0) return `Both sides agree: ${plural(table, 'row')}.`
  const parts = [
    missing > 0 ? `${count(missing)} missing in the table` : null,
    extra > 0 ? `${count(extra)} that no event makes` : null,
    changed > 0 ? `${count(changed)} with other values` : null,
  ].filter((part) => part !== null)
  return `${plural(odd, 'row')} ${odd === 1 ? 'differs' : 'differ'}: ${parts.join(', ')}. The events make ${plural(events, 'row')}, the table has ${count(table)}.`
}

export function differenceWords(difference: Row['difference']): string {
  return difference ?? 'none'
}

/** An average is kept as its sum and count, too: shown where one of them differs and the average does not, which hides it. */
export function measuresShown({ measures, rows }: Pick<BucketComparison, 'measures' | 'rows'>): readonly string[] {
  return measures.filter((name) => {
    const average = measures.find((of) => name === `${of}_sum` || name === `${of}_count`)
    return average === undefined || rows.some(({ columns }) => columns.includes(name) && !columns.includes(average))
  })
}

/** Whether a measure is other on both sides: of an approximate one what it is told from may be, though it says the same. */
export function differs({ columns, events, table }: Row, name: string, approximate: boolean): boolean {
  if (events === null || table === null) return true
  return columns.includes(name) || (approximate && columns.includes(`${name}_sketch`))
}

/** A standard error of 3.1 %, as `±3.1 %`. */
export const errorWords = ({ error }: { readonly error: number }): string =>
  `±${digitsText((100 * error).toFixed(1))} %`

/** Both sides of a measure. No more digits than it takes to tell them apart. */
export function sidesText({ events, table, columns }: Row, name: string): readonly [raw: string, rollup: string] {
  const short = [numberText(events, name, 6), numberText(table, name, 6)] as const
  return columns.includes(name) && short[0] === short[1] ? [numberText(events, name), numberText(table, name)] : short
}

/** A number with separators; as it is where that would take digits away that count. */
export function numberText(side: Row['events'], name: string, decimals?: number): string {
  if (side === null) return '–'
  const text = side[name]
  return text === null || text === undefined ? 'null' : digitsText(text, decimals)
}

/** At most so many decimals, and none that say nothing. */
export function digitsText(text: string, decimals = Number.POSITIVE_INFINITY): string {
  if (/^-?\d{1,15}$/.test(text)) return count(Number(text))
  const [, whole = '', fraction = ''] = /^(-?\d+)\.(\d+)$/.exec(text) ?? []
  if (whole === '') return text
  const shown = fraction.length > decimals && whole.length < 10 ? Number(text).toFixed(decimals) : text
  // What a division adds behind the last digit that says something.
  return shown.replace(/\.?0+$/, '')
}
