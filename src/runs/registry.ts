/**
 * The flows that this process knows: those of its config, which stay as they are, and those made in the console, which come, change
 * and go while it runs. What runs under an old definition ends under it: an attempt keeps the flow that it was begun with.
 */
import type { Flow } from '../flows/flow.ts'
import type { SluiceError } from '../lib/error.ts'
import type { Json } from '../lib/json.ts'
import { readConsoleFlows } from '../state/console-flow.ts'
import type { State } from '../state/state.ts'

/** A flow made in the console as this process understands it, or why it does not. */
export type Understood =
  | { readonly tag: 'flow'; readonly flow: Flow }
  | { readonly tag: 'refused'; readonly name: string; readonly error: SluiceError }

/** Turns definitions into flows, all at once, since they refer to each other; must not reject. */
export type Understand = (
  definitions: readonly { readonly name: string; readonly definition: Json }[],
) => readonly Understood[]

export interface Registry {
  /** By name. Changes under whoever holds it. */
  readonly flows: ReadonlyMap<string, Flow>
  /** Made in the console, and not to be taken over here. */
  readonly refused: ReadonlyMap<string, SluiceError>
  /** Looks for what was saved, changed or removed, unless it was looked less than `maxAgeMs` ago; resolves when it is taken over. */
  refresh(maxAgeMs?: number): Promise<void>
  /** What is known is out of date: the next `refresh` looks. */
  stale(): void
  /** Called, and waited for, whenever the flows have changed. */
  onChange(changed: () => Promise<void>): Disposable
}

/** Only the flows given. */
export function fixedRegistry(flows: ReadonlyMap<string, Flow>): Registry {
  return {
    flows,
    refused: new Map(),
    refresh: () => Promise.resolve(),
    stale: () => {},
    onChange: () => ({ [Symbol.dispose]: () => {} }),
  }
}

export function openRegistry(state: State, ofFile: readonly Flow[], understand: Understand): Registry {
  const file = new Map(ofFile.map((flow) => [flow.name as string, flow]))
  const flows = new Map(file)
  const refused = new Map<string, SluiceError>()
  const listeners = new Set<() => Promise<void>>()
  /** What the flows were made from: names and versions. */
  let seen = '[]'
  let lookedAt = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | undefined
  let next: Promise<void> | undefined

  const look = async (): Promise<void> => {
    lookedAt = performance.now()
    const rows = (await readConsoleFlows(state.db, state)).filter(({ name }) => !file.has(name))
    const now = JSON.stringify(rows.map(({ name, version }) => [name, version]))
    if (now === seen) return
    // Written by `save`, as JSON.
    const understood = understand(rows.map(({ name, definition }) => ({ name, definition: definition as Json })))
    const names = new Set(rows.map(({ name }) => name))
    for (const name of flows.keys()) if (!file.has(name) && !names.has(name)) flows.delete(name)
    refused.clear()
    for (const one of understood) {
      if (one.tag === 'flow') flows.set(one.flow.name, one.flow)
      else {
        flows.delete(one.name)
        refused.set(one.name, one.error)
      }
    }
    for (const changed of listeners) await changed()
    // Only now: if somebody could not take it over, the next look tries again.
    seen = now
  }
  const start = (): Promise<void> => {
    looking = look().finally(() => {
      looking = undefined
    })
    return looking
  }
  const refresh = (maxAgeMs = 0): Promise<void> => {
    if (maxAgeMs > 0 && performance.now() - lookedAt < maxAgeMs) return looking ?? Promise.resolve()
    if (looking === undefined) return start()
    // What is under way may have read before the change that this caller means.
    next ??= looking
      .catch(() => {})
      .then(() => {
        next = undefined
        return start()
      })
    return next
  }
  return {
    flows,
    refused,
    refresh,
    stale: () => {
      lookedAt = Number.NEGATIVE_INFINITY
    },
    onChange: (changed) => {
      listeners.add(changed)
      return { [Symbol.dispose]: () => void listeners.delete(changed) }
    },
  }
}
