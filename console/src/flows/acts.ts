/** What can be done to flows: run, verify, pause, resume; one or many. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { pauseFlow, requestVerification, resumeFlow } from '../client/flows.ts'
import { requestRun } from '../client/runs.ts'
import { plural } from '../frame/number.ts'
import { ask } from '../frame/reason.tsx'
import { tell, tellProblem } from '../frame/tell.tsx'

export type Act =
  | { readonly tag: 'run'; readonly force?: boolean; readonly slices?: readonly string[]; readonly redo?: boolean }
  | { readonly tag: 'verify' }
  | { readonly tag: 'repair'; readonly slices: readonly string[] }
  | { readonly tag: 'pause'; readonly reason: string | null }
  | { readonly tag: 'resume' }

const done: Readonly<Record<Act['tag'], string>> = {
  run: 'asked for',
  verify: 'verification asked for',
  repair: 'repair asked for',
  pause: 'paused',
  resume: 'resumed',
}

async function perform(flow: string, act: Act): Promise<void> {
  switch (act.tag) {
    case 'run': {
      const { warning } = await requestRun(flow, {
        ...(act.force === true ? { force: true } : {}),
        ...(act.slices === undefined ? {} : { slices: [...act.slices] }),
        ...(act.redo === true ? { redo: true } : {}),
      })
      if (warning !== null) tell(flow, warning)
      return
    }
    case 'verify': {
      const { warning } = await requestVerification(flow, {})
      if (warning !== null) tell(flow, warning)
      return
    }
    case 'repair': {
      const { warning } = await requestVerification(flow, { repair: true, slices: [...act.slices] })
      if (warning !== null) tell(flow, warning)
      return
    }
    case 'pause': {
      await pauseFlow(flow, act.reason === null ? {} : { reason: act.reason })
      return
    }
    case 'resume': {
      await resumeFlow(flow)
    }
  }
}

/** At most so many requests at once: a hundred chosen flows are no flood. */
const atOnce = 4

async function performAll(
  flows: readonly string[],
  act: Act,
): Promise<{ readonly done: number; readonly errors: readonly unknown[] }> {
  const errors: unknown[] = []
  const waiting = [...flows]
  const one = async (): Promise<void> => {
    for (let flow = waiting.shift(); flow !== undefined; flow = waiting.shift())
      await perform(flow, act).catch((error: unknown) => errors.push(error))
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, flows.length) }, one))
  return { done: flows.length - errors.length, errors }
}

/** What was done is told; each refusal is told with its reason (three of them, where many are refused). */
export function useActs() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ flows, act }: { readonly flows: readonly string[]; readonly act: Act }) => performAll(flows, act),
    onSuccess: ({ done: count, errors }, { flows, act }) => {
      const [only] = flows
      if (count > 0) tell(`${flows.length === 1 ? only : plural(count, 'flow')}: ${done[act.tag]}`)
      for (const error of errors.slice(0, 3)) tellProblem(error)
      return client.invalidateQueries({
        predicate: ({ queryKey }) => /^\/api\/(flows|runs|occurrences|schedules)/.test(String(queryKey[0])),
      })
    },
  })
}

/** Asks for the reason first. */
export function askPause(flows: readonly string[], yes: (act: Act) => void): void {
  const [only] = flows
  ask(
    {
      title: `Pause ${flows.length === 1 ? only : plural(flows.length, 'flow')}`,
      says: 'What runs goes on; nothing new begins until it is resumed. Due times that pass meanwhile are shown as skipped or caught up, as the flow says.',
      action: 'Pause',
      reason: 'optional',
    },
    (reason) => yes({ tag: 'pause', reason }),
  )
}

/** Asks first: readers may see what the guard would have kept from them. */
export function askForce(flow: string, yes: (act: Act) => void): void {
  ask(
    {
      title: `Force ${flow}`,
      says: 'Runs even if everything is up to date, and publishes even if the guard finds the source empty or shrunken.',
      action: 'Force a run',
      reason: null,
      danger: true,
    },
    () => yes({ tag: 'run', force: true }),
  )
}

/** Asks first: rows that readers see are changed. */
export function askRepair(flow: string, slice: string, yes: (act: Act) => void): void {
  ask(
    {
      title: `Repair ${flow}`,
      says: `Compares ${slice} with its source, redoes it if it still differs, and compares again. Rows that were changed in the target are overwritten; the guard holds.`,
      action: 'Repair',
      reason: null,
      danger: true,
    },
    () => yes({ tag: 'repair', slices: [slice] }),
  )
}
