/**
 * Looks up many at once: whoever asks while a look-up is under way waits for the next one, so that an answer is never older than
 * the question, and any number of requests costs one connection.
 */
export function batched<Value>(
  load: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
  most = 500,
): (key: string) => Promise<Value | undefined> {
  interface Waiting {
    readonly key: string
    readonly resolve: (value: Value | undefined) => void
    readonly reject: (error: unknown) => void
  }
  let waiting: Waiting[] = []
  let working = false

  const work = async (): Promise<void> => {
    working = true
    while (waiting.length > 0) {
      const now = waiting.slice(0, most)
      waiting = waiting.slice(most)
      try {
        const found = await load([...new Set(now.map(({ key }) => key))])
        for (const { key, resolve } of now) resolve(found.get(key))
      } catch (error) {
        for (const { reject } of now) reject(error)
      }
    }
    working = false
  }

  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject })
      if (!working) void work()
    })
}
