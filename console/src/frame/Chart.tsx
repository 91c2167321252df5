/** Lines over time (uPlot), in the colours of the scheme and the chosen zone; as wide as its place. */
import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import classes from './Chart.module.css'
import { absolute } from './moment.ts'
import { compact } from './number.ts'
import { useZone } from './zone.tsx'

/** Ticks of 24 hours and day before month, by how far apart they are: format, and what is added where the year or the day begins. */
const ticks: uPlot.Axis.Values = [
  [31_536_000, '{YYYY}', null, null, null, null, null, null, 1],
  [2_419_200, '{MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [86_400, '{D} {MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [3_600, '{HH}:00', '\n{D} {MMM} {YYYY}', null, '\n{D} {MMM}', null, null, null, 1],
  [60, '{HH}:{mm}', '\n{D} {MMM} {YYYY}', null, '\n{D} {MMM}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', '\n{D} {MMM} {YYYY}', null, '\n{D} {MMM}', null, null, null, 1],
]

/** Counts have no halves. */
const wholes = Array.from({ length: 13 }, (_, power) => [1, 2, 5].map((each) => each * 10 ** power)).flat()

export interface Series {
  readonly label: string
  /** A custom property of frame/theme.css: `--sluice-fresh`. */
  readonly colour: string
  readonly values: readonly (number | null)[]
  readonly kind?: 'line' | 'bars'
}

const colourOf = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** `light-dark()` is no colour that a canvas knows: it is resolved by an element that wears it. */
function resolved(element: HTMLElement, name: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  element.append(probe)
  const colour = getComputedStyle(probe).color
  probe.remove()
  return colour === '' ? colourOf(name) : colour
}

/** A little room above; below too, unless the axis begins at zero. */
function rangeOf(low: number, high: number, fromZero: boolean): [number, number] {
  const room = (high - low) * 0.1 || Math.max(1, Math.abs(high) * 0.05)
  return fromZero ? [Math.min(0, low), high + room] : [low >= 0 ? Math.max(0, low - room) : low - room, high + room]
}

export function Chart({
  label,
  at,
  series,
  height = 180,
  shows = compact,
  fromZero = true,
  zone: own,
}: {
  /** What is drawn, for who cannot see it: with the last value, say. */
  readonly label: string
  /** Milliseconds since 1970, ascending. */
  readonly at: readonly number[]
  readonly series: readonly Series[]
  readonly height?: number
  readonly shows?: (value: number) => string
  /** Without, the axis begins near the least value: for what changes little. */
  readonly fromZero?: boolean
  /** Whose clocks the axis shows; left out: those in which times are shown. */
  readonly zone?: string
}) {
  const place = useRef<HTMLDivElement>(null)
  const scheme = useComputedColorScheme('light')
  const chosen = useZone()
  const zone = own ?? chosen
  useEffect(() => {
    const element = place.current
    if (element === null) return
    const text = resolved(element, '--mantine-color-dimmed')
    const line = resolved(element, '--sluice-line')
    const axis = {
      stroke: text,
      grid: { stroke: line, width: 1 },
      ticks: { stroke: line, width: 1 },
      font: '11px system-ui',
    }
    const bars = uPlot.paths.bars?.({ size: [0.7, 24], radius: 0.15 })
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), zone),
        cursor: { points: { size: 6 }, drag: { x: false, y: false } },
        legend: { live: true },
        scales: { y: { range: (_, low, high) => rangeOf(low, high, fromZero) } },
        axes: [
          { ...axis, values: ticks },
          {
            ...axis,
            size: 58,
            values: (_, values) => values.map(shows),
            ...(shows === compact ? { incrs: wholes } : {}),
          },
        ],
        series: [
          {
            value: (_, seconds) =>
              seconds === null || seconds === undefined ? '–' : absolute(new Date(seconds * 1_000), zone),
          },
          ...series.map((each): uPlot.Series => {
            const stroke = resolved(element, each.colour)
            return {
              label: each.label,
              stroke,
              width: each.kind === 'bars' ? 0 : 1.6,
              points: { show: at.length < 60 && each.kind !== 'bars', size: 5 },
              value: (_, value) => (value === null || value === undefined ? '–' : shows(value)),
              ...(each.kind === 'bars' && bars !== undefined ? { paths: bars, fill: stroke } : {}),
            }
          }),
        ],
      },
      [at.map((ms) => ms / 1_000), ...series.map((each) => [...each.values])],
      element,
    )
    const watch = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height }))
    watch.observe(element)
    return () => {
      watch.disconnect()
      chart.destroy()
    }
  }, [at, series, height, shows, fromZero, scheme, zone])
  return <div ref={place} className={classes['chart']} role="img" aria-label={label} />
}
