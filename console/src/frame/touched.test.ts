import { expect, it } from 'vitest'
import { touchedBy } from './touched.ts'

it('an event of a run touches its flow, its own page and the lists, no other flow and no other run', () => {
  const change = { tag: 'run', flow: 'a', run: 'r1' } as const
  expect(touchedBy(change, '/api/flows')).toBe(true)
  expect(touchedBy(change, '/api/flows/a')).toBe(true)
  expect(touchedBy(change, '/api/flows/a/slices')).toBe(true)
  expect(touchedBy(change, '/api/flows/b')).toBe(false)
  expect(touchedBy(change, '/api/series/a?grain=day')).toBe(true)
  expect(touchedBy(change, '/api/series/b?grain=day')).toBe(false)
  expect(touchedBy(change, '/api/runs?limit=5')).toBe(true)
  expect(touchedBy(change, '/api/runs/r1')).toBe(true)
  expect(touchedBy(change, '/api/runs/r2')).toBe(false)
  expect(touchedBy(change, '/api/tokens')).toBe(false)
})

it('what is answered by a run is not asked again because of that run', () => {
  const schema = '/api/flows/a/schema'
  expect(touchedBy({ tag: 'run', flow: 'a', run: 'r1' }, schema)).toBe(false)
  expect(touchedBy({ tag: 'slice', flow: 'a' }, schema)).toBe(false)
  expect(touchedBy({ tag: 'flow', flow: 'a' }, schema)).toBe(true)
})

it('names of flows are compared as they are, not as the URL writes them', () => {
  expect(touchedBy({ tag: 'flow', flow: 'a b' }, '/api/flows/a%20b')).toBe(true)
})

it('an event that names nobody touches all of its kind', () => {
  expect(touchedBy({ tag: 'worker', flow: null }, '/api/workers')).toBe(true)
  expect(touchedBy({ tag: 'slice' }, '/api/flows/b/slices')).toBe(true)
})
