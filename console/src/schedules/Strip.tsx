/** The last due times as small bars, oldest left: run, waiting, skipped. */
import type { Occurrence } from '../client/model/occurrence.ts'
import { absolute } from '../frame/moment.ts'
import { stateColour } from '../frame/State.tsx'
import { useZone } from '../frame/zone.tsx'
import classes from './Schedules.module.css'

export function Strip({ last }: { readonly last: readonly Occurrence[] }) {
  const zone = useZone()
  const skipped = last.filter(({ state }) => state === 'skipped').length
  return (
    <span className={classes['strip']} role="img" aria-label={`${last.length} last due times, ${skipped} skipped`}>
      {[...last].reverse().map(({ dueAt, state, reason }) => (
        <span
          key={dueAt}
          data-state={state}
          style={{ backgroundColor: state === 'skipped' ? stateColour('stale') : stateColour(state) }}
          title={`${absolute(new Date(dueAt), zone)}: ${state}${reason === null ? '' : `, ${reason}`}`}
        />
      ))}
    </span>
  )
}
