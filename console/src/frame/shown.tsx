/** Times, durations and counts as every page shows them. Plain elements: a table has hundreds of them. */
import { Text } from '@mantine/core'
import { useNow } from './clock.ts'
import { absolute, duration, relative, roughly, shortly } from './moment.ts'
import { compact, count } from './number.ts'
import { useZone } from './zone.tsx'

type Moment = string | Date | null | undefined

const asDate = (at: string | Date): Date => (typeof at === 'string' ? new Date(at) : at)

/** Nothing to show, and said so to a screen reader. */
export function None({ says = 'none' }: { readonly says?: string }) {
  return (
    <Text span c="dimmed" aria-label={says} inherit>
      –
    </Text>
  )
}

/** The clock of the page stands still for some seconds: what is that little ahead of it has just happened. */
const clockMs = 5_000
const nearly = (at: Date, now: Date): string => {
  const ahead = at.getTime() - now.getTime()
  return ahead > 0 && ahead <= clockMs ? 'now' : relative(at, now)
}

/** `12 min ago`, with the whole time in the chosen zone on hover; `both` shows both at once. */
export function Time({
  at,
  show = 'relative',
}: {
  readonly at: Moment
  readonly show?: 'relative' | 'both' | 'short'
}) {
  const zone = useZone()
  const now = useNow(clockMs)
  if (at === null || at === undefined) return <None says="no time" />
  const date = asDate(at)
  const whole = absolute(date, zone)
  const text =
    show === 'relative'
      ? nearly(date, now)
      : show === 'short'
        ? shortly(date, zone, now)
        : `${nearly(date, now)} · ${shortly(date, zone, now)}`
  return (
    <time dateTime={date.toISOString()} title={`${whole} · ${nearly(date, now)}`} style={{ whiteSpace: 'nowrap' }}>
      {text}
    </time>
  )
}

/** How old something is: `12 min`. */
export function Age({ at }: { readonly at: Moment }) {
  const zone = useZone()
  const now = useNow(5_000)
  if (at === null || at === undefined) return <None says="no age" />
  const date = asDate(at)
  return (
    <time dateTime={date.toISOString()} title={absolute(date, zone)} style={{ whiteSpace: 'nowrap' }}>
      {roughly(now.getTime() - date.getTime())}
    </time>
  )
}

/** The time between two moments; while `to` is not known it runs. */
export function Lasted({ from, to }: { readonly from: Moment; readonly to: Moment }) {
  const now = useNow()
  if (from === null || from === undefined) return <None says="not begun" />
  const end = to === null || to === undefined ? now : asDate(to)
  return <span style={{ whiteSpace: 'nowrap' }}>{duration(Math.max(0, end.getTime() - asDate(from).getTime()))}</span>
}

/** A count, whole on hover where it is cut short. */
export function Count({
  value,
  short = false,
}: {
  readonly value: number | null | undefined
  readonly short?: boolean
}) {
  if (value === null || value === undefined) return <None says="not known" />
  const text = short ? compact(value) : count(value)
  return (
    <span style={{ fontVariantNumeric: 'tabular-nums' }} title={text === count(value) ? undefined : count(value)}>
      {text}
    </span>
  )
}
