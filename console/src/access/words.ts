/** Roles as a person chooses them. `none`: no role, endpoints only. */
export const roleChoices = [
  { value: 'none', label: 'Endpoints only' },
  { value: 'viewer', label: 'Viewer: looks' },
  { value: 'operator', label: 'Operator: runs, pauses, repairs' },
  { value: 'admin', label: 'Admin: everything' },
] as const

export const roles = ['viewer', 'operator', 'admin'] as const

/** How long a token lives, in days; null: for good. */
export const lifetimes = [
  { value: '1', label: '1 day', days: 1 },
  { value: '30', label: '30 days', days: 30 },
  { value: '90', label: '90 days', days: 90 },
  { value: '365', label: '1 year', days: 365 },
  { value: 'never', label: 'It does not expire', days: null },
] as const

/** When a token made now expires, as the API takes it. Pure. */
export function expiry(lifetime: string, now: Date): string | null {
  const days = lifetimes.find(({ value }) => value === lifetime)?.days ?? null
  return days === null ? null : new Date(now.getTime() + days * 86_400_000).toISOString()
}
