/** A unit of work that comes after others; those that are not in the list do not count. */
export interface Ordered {
  readonly name: string
  readonly after: readonly string[]
}

export type Fate<T> =
  | { readonly tag: 'done'; readonly result: T }
  /** One that it comes after did not end well. */
  | { readonly tag: 'left'; readonly because: string }

/**
 * Does all of them at once, each as soon as those before it have ended well. In the order given; there are no circles, since
 * the config refuses them. Rejects as the first `work` that rejects does, after all have ended.
 */
export async function inOrder<T>(
  all: readonly Ordered[],
  work: (name: string) => Promise<T>,
  good: (result: T) => boolean,
): Promise<readonly (Fate<T> & { readonly name: string })[]> {
  const started = new Map<string, Promise<Fate<T>>>()
  const start = (one: Ordered): Promise<Fate<T>> => {
    const already = started.get(one.name)
    if (already !== undefined) return already
    const before = all.filter((other) => one.after.includes(other.name))
    const fate = (async (): Promise<Fate<T>> => {
      for (const upstream of before) {
        const its = await start(upstream)
        if (its.tag === 'left' || !good(its.result)) return { tag: 'left', because: upstream.name }
      }
      return { tag: 'done', result: await work(one.name) }
    })()
    started.set(one.name, fate)
    return fate
  }
  const settled = await Promise.allSettled(all.map(start))
  const fates: (Fate<T> & { readonly name: string })[] = []
  for (const [at, end] of settled.entries()) {
    if (end.status === 'rejected') throw end.reason
    fates.push({ name: all[at]?.name ?? '', ...end.value })
  }
  return fates
}
