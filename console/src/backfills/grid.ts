/** A square with the gap after it, in pixels. */
export const pitch = 19
/** Between two squares. */
export const gap = 3

/** How many squares stand in a row of so many pixels. Pure. */
export function columnsIn(width: number): number {
  return Math.max(1, Math.floor((width + gap) / pitch))
}

/** Where an arrow leads in a grid of `count` squares, `width` in a row; null: the key means nothing here. Pure. */
export function step(key: string, at: number, count: number, width: number): number | null {
  const to = {
    ArrowLeft: at - 1,
    ArrowRight: at + 1,
    ArrowUp: at - width,
    ArrowDown: at + width,
    Home: 0,
    End: count - 1,
  }[key]
  if (to === undefined) return null
  return to < 0 || to >= count ? at : to
}
