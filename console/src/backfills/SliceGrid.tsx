/**
 * The slices of a backfill, one square each, in the order in which they are done; a square opens its run. Tab reaches one square, the
 * arrows move on from there.
 */
import { useNavigate } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import type { KeyboardEvent } from 'react'
import type { BackfillSlice } from '../client/model/backfillSlice.ts'
import { stateColour } from '../frame/State.tsx'
import classes from './Backfills.module.css'
import { step } from './grid.ts'

export function SliceGrid({ slices }: { readonly slices: readonly BackfillSlice[] }) {
  const navigate = useNavigate()
  const place = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState(0)
  const current = Math.min(at, slices.length - 1)
  const open = (slice: BackfillSlice): void => {
    if (slice.run !== null) void navigate({ to: '/runs/$run', params: { run: slice.run } })
  }
  const move = (event: KeyboardEvent): void => {
    const width = place.current === null ? 1 : getComputedStyle(place.current).gridTemplateColumns.split(' ').length
    const next = step(event.key, current, slices.length, width)
    if (next === null) return
    event.preventDefault()
    setAt(next)
    place.current?.querySelectorAll<HTMLElement>('button')[next]?.focus()
  }
  return (
    <div ref={place} className={classes['grid']} role="group" aria-label="Slices">
      {slices.map((slice, index) => {
        const says = `${slice.key}: ${slice.state}${slice.run === null ? '' : ', open its run'}`
        return (
          <button
            key={slice.key}
            type="button"
            className={classes['cell']}
            data-state={slice.state}
            style={
              slice.state === 'waiting'
                ? { padding: 0 }
                : { padding: 0, border: 0, backgroundColor: stateColour(slice.state) }
            }
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
  )
}
