/** What the `serve` bench asks: of each endpoint of the schools example, as callers who see much and little. */
export const callers = {
  everything: { role: 'FDE' },
  sector: { role: 'AEO', sector: 'Nilore' },
  school: { role: 'Principal', school: "Girls' College F-11/3 No. 302" },
} as const

export type CallerName = keyof typeof callers

export interface Case {
  readonly endpoint: string
  readonly caller: CallerName
  readonly query: Readonly<Record<string, string>>
  /** Requests in one turn. */
  readonly requests: number
}

export const cases: readonly Case[] = [
  { endpoint: 'teacher-data', caller: 'everything', query: {}, requests: 40 },
  { endpoint: 'teacher-data', caller: 'sector', query: {}, requests: 120 },
  { endpoint: 'teacher-data', caller: 'sector', query: { grade: 'Grade 1' }, requests: 400 },
  { endpoint: 'teacher-data', caller: 'school', query: {}, requests: 2400 },
  { endpoint: 'aggregated-data', caller: 'everything', query: {}, requests: 120 },
  { endpoint: 'aggregated-data', caller: 'sector', query: { period: 'monthly', grade: 'Grade 1' }, requests: 200 },
  { endpoint: 'aggregated-data', caller: 'school', query: {}, requests: 2400 },
  { endpoint: 'filter-options', caller: 'everything', query: {}, requests: 80 },
  { endpoint: 'filter-options', caller: 'sector', query: {}, requests: 150 },
  { endpoint: 'summary-stats', caller: 'everything', query: {}, requests: 80 },
  { endpoint: 'summary-stats', caller: 'school', query: {}, requests: 2400 },
  { endpoint: 'all-schools', caller: 'everything', query: {}, requests: 2400 },
  { endpoint: 'all-schools', caller: 'school', query: {}, requests: 8000 },
]

/** The bare server takes who asks from headers, and believes them. */
export function bareUrl(address: string, { endpoint, caller, query }: Case): string {
  const { role, ...claims } = callers[caller]
  return `${address}/${endpoint}?${new URLSearchParams({ ...query, role, ...claims }).toString()}`
}

export function ourUrl(address: string, { endpoint, query }: Case): string {
  return `${address}/api/data/${endpoint}?${new URLSearchParams(query).toString()}`
}
