import { describe, expect, test } from 'vitest'
import { faultsAt, faultsOf, renamed, valueAt, withValue } from './definition.ts'

describe('editing a definition', () => {
  const definition = { kind: 'sync', from: { query: 'select 1', store: 'billing' }, to: 'a' }

  test('a value is set where it was, and the rest stays as it is', () => {
    const edited = withValue(definition, ['from', 'query'], 'select 2')
    expect(Object.keys(edited)).toEqual(['kind', 'from', 'to'])
    expect(edited).toEqual({ kind: 'sync', from: { query: 'select 2', store: 'billing' }, to: 'a' })
    expect(definition.from.query).toBe('select 1')
  })

  test('what is emptied is left out, with the objects that it leaves empty', () => {
    expect(withValue(definition, ['from', 'store'], undefined)).toEqual({ ...definition, from: { query: 'select 1' } })
    const guarded = withValue(definition, ['guard', 'minRows'], 5)
    expect(valueAt(guarded, ['guard', 'minRows'])).toBe(5)
    expect(withValue(guarded, ['guard', 'minRows'], undefined)).toEqual(definition)
  })

  test('an entry of a record may be empty', () => {
    expect(withValue(definition, ['columns', 'id'], {})).toMatchObject({ columns: { id: {} } })
  })

  test('a renamed key keeps its place, and never takes that of another', () => {
    expect(Object.keys(renamed({ a: 1, b: 2 }, 'a', 'c'))).toEqual(['c', 'b'])
    expect(renamed({ a: 1, b: 2 }, 'a', 'b')).toEqual({ a: 1, b: 2 })
  })
})

describe('faults', () => {
  const faults = faultsOf([
    { path: '/definition/from/query', fault: 'is missing: text is needed' },
    { path: '/definition/key/0', fault: '"" is empty' },
    { path: '/definition/columns/a~1b ~0c/type', fault: 'expected text' },
    { path: '/definition', fault: 'the source is gone' },
    { path: '/version', fault: 'is another' },
  ])

  test('each is at its path below the definition; what is not of it is of the whole', () => {
    expect(faults).toEqual([
      { path: ['from', 'query'], fault: 'is missing: text is needed' },
      { path: ['key', '0'], fault: '"" is empty' },
      { path: ['columns', 'a/b ~c', 'type'], fault: 'expected text' },
      { path: [], fault: 'the source is gone' },
      { path: [], fault: 'is another' },
    ])
  })

  test('a field shows its own, and where it has no fields below it, theirs', () => {
    expect(faultsAt(faults, ['from'], false)).toEqual([])
    expect(faultsAt(faults, ['from', 'query'], false)).toEqual(['is missing: text is needed'])
    expect(faultsAt(faults, ['key'], true)).toEqual(['"" is empty'])
    expect(faultsAt(faults, [], false)).toEqual(['the source is gone', 'is another'])
  })
})
