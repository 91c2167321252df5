/** Keys: `g f` goes, `/` finds, `?` explains. Never while somebody types. */
import { useEffect, useRef } from 'react'

export interface Shortcut {
  /** One key, or two with a space between: `?`, `g f`. */
  readonly keys: string
  readonly says: string
  readonly run: () => void
}

const betweenMs = 1_200

/** What was pressed so far and the next key → the shortcut that is meant, and what counts as pressed now. Pure. */
export function press(
  shortcuts: readonly Pick<Shortcut, 'keys'>[],
  before: string,
  key: string,
): { readonly found: number; readonly pressed: string } {
  const sequence = before === '' ? key : `${before} ${key}`
  const found = shortcuts.findIndex((shortcut) => shortcut.keys === sequence)
  if (found >= 0) return { found, pressed: '' }
  if (shortcuts.some((shortcut) => shortcut.keys.startsWith(`${sequence} `))) return { found: -1, pressed: sequence }
  // `g x f`: the f begins anew.
  return before === '' ? { found: -1, pressed: '' } : press(shortcuts, '', key)
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest('input, textarea, select, [role="dialog"], [role="listbox"]') !== null)
  )
}

export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const current = useRef(shortcuts)
  useEffect(() => {
    current.current = shortcuts
  })
  useEffect(() => {
    let pressed = ''
    let last = 0
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target)) return
      const before = event.timeStamp - last > betweenMs ? '' : pressed
      const next = press(current.current, before, event.key)
      last = event.timeStamp
      pressed = next.pressed
      const shortcut = current.current[next.found]
      if (shortcut === undefined) return
      event.preventDefault()
      shortcut.run()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
}
