import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { differences, inShort, subjectOf } from './diff.ts'

const changed = (before: unknown, after: unknown) => differences(before, after).filter(({ kind }) => kind !== 'same')

describe('the difference', () => {
  it('names each field that changed, and what it was', () => {
    const before = { role: 'viewer', claims: { sector: ['East', 'West'] }, name: 'Ada' }
    const after = { role: 'admin', claims: { sector: ['East'], school: 5 }, name: 'Ada' }
    expect(changed(before, after)).toEqual([
      { path: 'role', kind: 'changed', before: '"viewer"', after: '"admin"' },
      { path: 'claims.sector[1]', kind: 'removed', before: '"West"', after: null },
      { path: 'claims.school', kind: 'added', before: null, after: '5' },
    ])
    expect(inShort(before, after)).toBe('role: "viewer" → "admin"; claims.sector[1]: "West" removed; claims.school: 5')
  })

  it('of something made or removed is all of it', () => {
    expect(changed(null, { name: 'ci', role: null })).toEqual([
      { path: 'name', kind: 'added', before: null, after: '"ci"' },
      { path: 'role', kind: 'added', before: null, after: 'null' },
    ])
    expect(changed({ name: 'ci' }, null)).toEqual([{ path: 'name', kind: 'removed', before: '"ci"', after: null }])
    expect(differences(null, null)).toEqual([])
  })

  it('a field that was null and is not is a change of it', () => {
    expect(changed({ reason: null }, { reason: 'backup' })).toEqual([
      { path: 'reason', kind: 'changed', before: 'null', after: '"backup"' },
    ])
  })

  it('is empty if and only if both are equal', () => {
    const object = fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), fc.jsonValue())
    fc.assert(
      fc.property(object, object, fc.boolean(), (before, other, equal) => {
        const after = equal ? (JSON.parse(JSON.stringify(before)) as unknown) : other
        const same = JSON.stringify(sorted(before)) === JSON.stringify(sorted(after))
        expect(changed(before, after).length === 0).toBe(same)
      }),
    )
  })
})

describe('what it was done to', () => {
  it('is its name where there is one, and else its id', () => {
    expect(subjectOf({ subject: '01a2', before: null, after: { name: 'nightly' } })).toBe('nightly')
    expect(subjectOf({ subject: '01a2', before: { name: 'nightly' }, after: null })).toBe('nightly')
    expect(subjectOf({ subject: 'teachers', before: null, after: { run: '01a2' } })).toBe('teachers')
  })
})

/** The order of names is no difference. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, each]) => [name, sorted(each)]),
  )
}
