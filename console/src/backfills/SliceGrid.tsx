/**
 * The slices of a backfill, one square each, in the order in which they are done; a square opens its run. Only the rows on the screen are
 * drawn. Tab reaches one square, wherever it has been scrolled to; the arrows move on from there.
 */
import { useNavigate } from '@tanstack/react-router'
import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual'
import type { Range } from '@tanstack/react-virtual'
import { useCallback, useLayoutEffect, useRef, useState } from 'react'
import type { KeyboardEvent } from 'react'
import type { BackfillSlice } from '../client/model/backfillSlice.ts'
import { count } from '../frame/number.ts'
import { stateColour } from '../frame/State.tsx'
import classes from './Backfills.module.css'
import { columnsIn, pitch, step } from './grid.ts'

export interface SliceGridProps {
  /** Those that have been read, from the first. */
  readonly slices: readonly BackfillSlice[]
  /** How many there will be: their place is kept free. */
  readonly total: number
}

export function SliceGrid({ slices, total }: SliceGridProps) {
  const navigate = useNavigate()
  const place = useRef<HTMLDivElement>(null)
  const moved = useRef(false)
  const [columns, setColumns] = useState(0)
  const [at, setAt] = useState(0)
  const current = Math.max(0, Math.min(at, slices.length - 1))
  useLayoutEffect(() => {
    const frame = place.current
    if (frame === null) return
    const measure = (): void => setColumns(columnsIn(frame.clientWidth))
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(frame)
    return () => observer.disconnect()
  }, [])
  const drawn = useCallback(
    (range: Range): number[] => {
      const kept = columns === 0 ? 0 : Math.floor(current / columns)
      return [...new Set([...defaultRangeExtractor(range), kept])].toSorted((a, b) => a - b)
    },
    [columns, current],
  )
  const rows = useVirtualizer({
    count: columns === 0 ? 0 : Math.ceil(total / columns),
    getScrollElement: () => place.current,
    estimateSize: () => pitch,
    overscan: 4,
    rangeExtractor: drawn,
  })
  useLayoutEffect(() => {
    if (!moved.current) return
    moved.current = false
    place.current?.querySelector<HTMLElement>(`button[data-index="${current}"]`)?.focus()
  }, [current])
  const open = (slice: BackfillSlice): void => {
    if (slice.run !== null) void navigate({ to: '/runs/$run', params: { run: slice.run } })
  }
  const move = (event: KeyboardEvent): void => {
    const next = step(event.key, current, slices.length, columns)
    if (next === null) return
    event.preventDefault()
    moved.current = next !== current
    setAt(next)
  }
  return (
    <div ref={place} className={classes['grid']} role="group" aria-label="Slices">
      <div style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index: row, start }) => (
          <div key={row} className={classes['squares']} style={{ transform: `translateY(${start}px)` }}>
            {slices.slice(row * columns, (row + 1) * columns).map((slice, column) => {
              const index = row * columns + column
              const says = `${slice.key}: ${slice.state}, ${count(index + 1)} of ${count(total)}${slice.run === null ? '' : ', open its run'}`
              return (
                <button
                  key={slice.key}
                  type="button"
                  className={classes['cell']}
                  data-state={slice.state}
                  data-index={index}
                  style={slice.state === 'waiting' ? undefined : { backgroundColor: stateColour(slice.state) }}
                  aria-label={says}
                  title={says}
                  tabIndex={index === current ? 0 : -1}
                  onFocus={() => setAt(index)}
                  onKeyDown={move}
                  onClick={() => open(slice)}
                />
              )
            })}
          </div>
        ))}
      </div>
    </div>
  )
}
