/**
 * Ctrl-C once drains, twice aborts.
 *
 *   running ──signal──▶ draining ──signal──▶ aborted (exit 130)
 *
 * A terminal sends SIGINT to the whole process group and npm sends it on once more, so that one key press arrives up to three
 * times: what comes within `bounce` of the first counts as the same.
 */
export interface Interrupts extends Disposable {
  /** Aborted by the first signal; its reason is the signal's name. */
  readonly signal: AbortSignal
  /** Called at the first signal instead of aborting `signal`, until what it returns is called. */
  onFirst(handle: (name: NodeJS.Signals) => void): () => void
  /** Aborts `signal`. */
  interrupt(): void
}

const bounce = 400

export function watchInterrupts(say: (text: string) => void): Interrupts {
  const controller = new AbortController()
  let first: number | null = null
  const byItself = (name: NodeJS.Signals): void => {
    say(`${name === 'SIGINT' ? 'Ctrl-C' : name}: finishing; once more to abort`)
    controller.abort()
  }
  let handle = byItself
  const received = (name: NodeJS.Signals): void => {
    const now = performance.now()
    if (first === null) {
      first = now
      handle(name)
    } else if (now - first > bounce) {
      say('aborted')
      process.exit(130)
    }
  }
  const names: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const name of names) process.on(name, received)
  return {
    signal: controller.signal,
    onFirst(next) {
      handle = next
      return () => {
        handle = byItself
      }
    },
    interrupt: () => controller.abort(),
    [Symbol.dispose]() {
      for (const name of names) process.off(name, received)
    },
  }
}
