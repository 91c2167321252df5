/** What a run would do: its slices, each with why, and the steps in their order. */
import { Text } from '@mantine/core'
import type { PlannedSlice } from '../client/model/plannedSlice.ts'
import { plural } from '../frame/number.ts'
import classes from './PlanView.module.css'

/** So many slices are named; the rest is counted. */
const named = 12

export function PlanView({
  slices,
  steps,
}: {
  readonly slices: readonly PlannedSlice[]
  readonly steps: readonly string[]
}) {
  const due = slices.filter(({ action }) => action === 'run').length
  return (
    <div className={classes['plan']}>
      <Text fw={600}>
        {due === 0 ? 'Nothing is due' : `${plural(due, 'slice')} would be redone`}
        {slices.length > due
          ? `, ${plural(slices.length - due, 'slice')} left as ${slices.length - due === 1 ? 'it is' : 'they are'}`
          : ''}
      </Text>
      <ul className={classes['slices']}>
        {slices.slice(0, named).map(({ slice, action, why }) => (
          <li key={slice}>
            <code>{slice}</code> {action === 'run' ? '' : '(left) '}
            <span>{why}</span>
          </li>
        ))}
        {slices.length > named && <li>and {plural(slices.length - named, 'more slice', 'more slices')}</li>}
      </ul>
      {steps.length > 0 && (
        <ol className={classes['steps']}>
          {steps.map((step, index) => (
            // Steps are shown as they came and never change.
            <li key={index}>{step}</li>
          ))}
        </ol>
      )}
    </div>
  )
}
