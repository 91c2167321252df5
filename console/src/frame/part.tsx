/** A part of a page whose file comes when it is needed. */
import { use } from 'react'
import type { ComponentType, ReactElement } from 'react'

export interface Part<Props extends object> {
  (props: Props): ReactElement
  /** Asks for its file before it is drawn. */
  preload(): Promise<unknown>
}

/**
 * Draws what `load` gives; suspends until it is there. It asks React for the file each time it draws: React takes offence when what has
 * waited once does not ask again, which the router's `lazyRouteComponent` does not, and the router alone knows to load first.
 */
export function part<Props extends object>(load: () => Promise<ComponentType<Props>>): Part<Props> {
  let loading: Promise<ComponentType<Props>> | undefined
  const once = (): Promise<ComponentType<Props>> => {
    if (loading !== undefined) return loading
    const asked = load().catch((error: unknown) => {
      // The next time it is drawn it is tried again.
      loading = undefined
      throw error
    })
    // How React marks what it has waited for: marked before it asks, the part is drawn at once. Otherwise it would show the fallback,
    // and then keep that for 300 ms, so that it does not flicker.
    asked.then(
      (value) => Object.assign(asked, { status: 'fulfilled', value }),
      () => {},
    )
    loading = asked
    return asked
  }
  function Loaded(props: Props) {
    const There = use(once())
    return <There {...props} />
  }
  return Object.assign(Loaded, { preload: once })
}
