/** What was looked up a moment ago, so that not every request asks the database who sent it. */
export interface Memory<Value> {
  /** What is remembered of the key, if it is not too old. */
  recall(key: string): Value | undefined
  /**
   * Called when a look-up begins; what it returns remembers its results, `forMs` from that beginning at most. What was forgotten in
   * between is not remembered: the look-up may be from before the change.
   */
  begin(): (key: string, value: Value, forMs: number) => void
  /** Nothing of before counts any more. */
  forget(): void
}

/** `longestMs` 0 remembers nothing. `most`: how many at the same time; beyond that it begins anew. */
export function openMemory<Value>(longestMs: number, most = 10_000): Memory<Value> {
  const known = new Map<string, { readonly value: Value; readonly until: number }>()
  let generation = 0
  return {
    recall(key) {
      const found = known.get(key)
      if (found === undefined) return undefined
      if (performance.now() < found.until) return found.value
      known.delete(key)
      return undefined
    },
    begin() {
      const began = { at: performance.now(), generation }
      return (key, value, forMs) => {
        const until = began.at + Math.min(forMs, longestMs)
        if (began.generation !== generation || until <= performance.now()) return
        if (known.size >= most) known.clear()
        known.set(key, { value, until })
      }
    },
    forget() {
      generation += 1
      known.clear()
    },
  }
}
