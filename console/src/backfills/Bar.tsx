/** How far a backfill is: its slices by what became of them, and the percentage. */
import type { Backfill } from '../client/model/backfill.ts'
import { useNow } from '../frame/clock.ts'
import { count } from '../frame/number.ts'
import { stateColour } from '../frame/State.tsx'
import classes from './Backfills.module.css'
import { paceOf } from './pace.ts'
import { backfillSliceStates } from './words.ts'

export function Bar({ backfill, big = false }: { readonly backfill: Backfill; readonly big?: boolean }) {
  const now = useNow(60_000)
  const { percent, ended, total } = paceOf(backfill, now.getTime())
  const parts = backfillSliceStates.filter((state) => state !== 'waiting' && backfill.slices[state] > 0)
  const says = `${count(ended)} of ${count(total)} slices ended`
  return (
    <span className={classes['progress']} data-big={big || undefined} title={says}>
      <span
        className={classes['bar']}
        role="progressbar"
        aria-label={says}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
      >
        {parts.map((state) => (
          <span
            key={state}
            style={{
              width: `${total === 0 ? 0 : (100 * backfill.slices[state]) / total}%`,
              backgroundColor: stateColour(state),
            }}
          />
        ))}
      </span>
      <span className={classes['percent']}>{percent} %</span>
    </span>
  )
}
