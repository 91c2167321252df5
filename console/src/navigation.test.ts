import { expect, it } from 'vitest'
import { navigation } from './navigation.ts'

it('no two pages have the same key, path or name', () => {
  for (const of of ['key', 'to', 'label'] as const) {
    const given = navigation.flatMap((entry) => entry[of] ?? [])
    expect(given.filter((each, at) => given.indexOf(each) !== at)).toEqual([])
  }
})
