/** Findings by what they are about: what is wrong first. Pure. */
export interface Finding {
  readonly severity: 'problem' | 'warning' | 'fine'
  readonly about: string
  readonly says: string
  readonly fix: string | null
}

export interface Patient {
  readonly about: string
  /** The worst of its findings. */
  readonly severity: Finding['severity']
  readonly findings: readonly Finding[]
}

const rank = { problem: 0, warning: 1, fine: 2 } as const

/** `only` empty: all severities. */
export function patients(findings: readonly Finding[], only: readonly string[]): readonly Patient[] {
  const shown = findings.filter(({ severity }) => only.length === 0 || only.includes(severity))
  const groups = Map.groupBy(shown, ({ about }) => about)
  return [...groups]
    .map(([about, its]): Patient => {
      const sorted = its.toSorted((a, b) => rank[a.severity] - rank[b.severity])
      return { about, severity: sorted[0]?.severity ?? 'fine', findings: sorted }
    })
    .toSorted((a, b) => rank[a.severity] - rank[b.severity])
}
