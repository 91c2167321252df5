/**
 * A run's log, from its beginning to its end, by server-sent events: what was logged comes at once, what is logged as it happens.
 *
 *     connecting ──open──> following ──finished──> ended
 *         ^                   └──broken──> offline ──the browser tries again by itself, after the last line──> following
 */
import { useEffect, useRef, useState } from 'react'
import type { LogLine } from '../client/model/logLine.ts'
import type { Phase } from '../client/model/phase.ts'
import { withLines } from './log.ts'

export interface Progress {
  readonly attempt: number
  readonly phase: Phase
  readonly elapsedMs: number
  readonly etaMs: number | null
}

export interface Followed {
  readonly state: 'connecting' | 'following' | 'offline' | 'ended'
  readonly lines: readonly LogLine[]
  readonly progress: Progress | null
}

/** Lines arrive by the thousand: they are shown so often. */
const gatherMs = 150

const nothing: Followed = { state: 'connecting', lines: [], progress: null }

/** Of one run as long as it is shown: another run is another component. `onEnd` is called once, when the run has ended. */
export function useRunLog(run: string, onEnd: () => void): Followed {
  const [followed, setFollowed] = useState<Followed>(nothing)
  const ended = useRef(onEnd)
  useEffect(() => {
    ended.current = onEnd
  })
  useEffect(() => {
    let arrived: LogLine[] = []
    let timer: ReturnType<typeof setTimeout> | undefined
    const show = (): void => {
      timer = undefined
      const lines = arrived
      arrived = []
      setFollowed((before) => ({ ...before, lines: withLines(before.lines, lines) }))
    }
    const stream = new EventSource(`/api/runs/${encodeURIComponent(run)}/log`)
    // What the server sends: the events of src/api/runs.ts.
    const on = <Data>(event: string, take: (data: Data) => void): void =>
      stream.addEventListener(event, (message: MessageEvent<string>) => take(JSON.parse(message.data) as Data))
    stream.addEventListener('open', () => setFollowed((before) => ({ ...before, state: 'following' })))
    stream.addEventListener('error', () => setFollowed((before) => ({ ...before, state: 'offline' })))
    on<LogLine>('log', (line) => {
      arrived.push(line)
      timer ??= setTimeout(show, gatherMs)
    })
    on<Progress>('progress', (progress) => setFollowed((before) => ({ ...before, progress })))
    on('finished', () => {
      stream.close()
      clearTimeout(timer)
      show()
      setFollowed((before) => ({ ...before, state: 'ended', progress: null }))
      ended.current()
    })
    return () => {
      stream.close()
      clearTimeout(timer)
    }
  }, [run])
  return followed
}
