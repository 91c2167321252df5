const units = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
} as const

const spelled: Readonly<Record<string, keyof typeof units>> = {
  second: 's',
  minute: 'm',
  hour: 'h',
  day: 'd',
  week: 'w',
}

/** `2h`, `90s`, `1d`, `2 weeks`: milliseconds, or undefined when it is no duration. Fixed lengths only: no months. */
export function parseDuration(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text)
  if (match?.[1] === undefined || match[2] === undefined) return undefined
  const word = match[2].toLowerCase()
  const unit = word in units ? (word as keyof typeof units) : spelled[word.replace(/s$/, '')] // the check makes the cast true
  return unit === undefined ? undefined : Math.round(Number(match[1]) * units[unit])
}

/** Milliseconds in the two largest units: `2 h 5 min`, `3 d`, `850 ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(ms / units.d), 'd'],
    [Math.floor(ms / units.h) % 24, 'h'],
    [Math.floor(ms / units.m) % 60, 'min'],
  ]
  return parts
    .filter(([count]) => count > 0)
    .slice(0, 2)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
}
