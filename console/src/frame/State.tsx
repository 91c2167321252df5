/** States as a shape and a word: the colour only helps. */
import {
  IconAlertTriangle,
  IconBan,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleHalf2,
  IconCircleX,
  IconClockExclamation,
  IconHourglass,
  IconLoader2,
  IconPlayerPause,
  IconPlayerSkipForward,
  IconSnowflake,
} from '@tabler/icons-react'
import type { Icon } from '@tabler/icons-react'
import classes from './State.module.css'

/** Every state and outcome there is, of flows, slices, buckets, runs, attempts, backfills, occurrences, deliveries and workers. */
const looks: Readonly<Record<string, { readonly icon: Icon; readonly tone: string }>> = {
  fresh: { icon: IconCircleCheck, tone: 'fresh' },
  succeeded: { icon: IconCircleCheck, tone: 'fresh' },
  done: { icon: IconCircleCheck, tone: 'fresh' },
  identical: { icon: IconCircleCheck, tone: 'fresh' },
  delivered: { icon: IconCircleCheck, tone: 'fresh' },
  fine: { icon: IconCircleCheck, tone: 'fresh' },
  alive: { icon: IconCircleCheck, tone: 'fresh' },
  run: { icon: IconCircleCheck, tone: 'fresh' },
  active: { icon: IconCircleCheck, tone: 'fresh' },
  late: { icon: IconClockExclamation, tone: 'late' },
  stale: { icon: IconHourglass, tone: 'stale' },
  dirty: { icon: IconHourglass, tone: 'stale' },
  warning: { icon: IconAlertTriangle, tone: 'stale' },
  interrupted: { icon: IconAlertTriangle, tone: 'stale' },
  failed: { icon: IconCircleX, tone: 'failed' },
  differs: { icon: IconCircleX, tone: 'failed' },
  problem: { icon: IconCircleX, tone: 'failed' },
  gone: { icon: IconCircleX, tone: 'failed' },
  'given up': { icon: IconCircleX, tone: 'failed' },
  running: { icon: IconLoader2, tone: 'running' },
  waiting: { icon: IconCircleDashed, tone: 'quiet' },
  requested: { icon: IconCircleDashed, tone: 'quiet' },
  queued: { icon: IconCircleDashed, tone: 'quiet' },
  never: { icon: IconCircleDashed, tone: 'quiet' },
  missing: { icon: IconCircleDashed, tone: 'quiet' },
  partial: { icon: IconCircleHalf2, tone: 'running' },
  cancelled: { icon: IconBan, tone: 'quiet' },
  revoked: { icon: IconBan, tone: 'quiet' },
  disabled: { icon: IconBan, tone: 'quiet' },
  expired: { icon: IconHourglass, tone: 'quiet' },
  stopped: { icon: IconCircleDashed, tone: 'quiet' },
  nobody: { icon: IconCircleDashed, tone: 'quiet' },
  skipped: { icon: IconPlayerSkipForward, tone: 'quiet' },
  paused: { icon: IconPlayerPause, tone: 'paused' },
  frozen: { icon: IconSnowflake, tone: 'frozen' },
}

/** The colour of a state, for drawings. */
export function stateColour(state: string): string {
  return `var(--sluice-${looks[state]?.tone ?? 'quiet'})`
}

export function State({ state, says }: { readonly state: string; readonly says?: string | undefined }) {
  const look = looks[state] ?? { icon: IconCircleDashed, tone: 'quiet' }
  return (
    <span className={classes['state']} data-state={state} title={says}>
      <look.icon
        size={15}
        stroke={2.2}
        aria-hidden
        color={stateColour(state)}
        className={state === 'running' ? classes['turning'] : undefined}
      />
      {state}
    </span>
  )
}
