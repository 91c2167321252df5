import { expect, test } from 'vitest'
import { treeOf } from './tree.ts'

const made = (grain: string, madeOf: string | null) => ({ grain, madeOf })

test('each grain stands below what it is made of', () => {
  const grains = [
    made('hour', null),
    made('day', 'hour'),
    made('week', 'day'),
    made('month', 'day'),
    made('year', 'month'),
  ]
  expect(treeOf(grains).map(({ grain, depth }) => `${depth} ${grain.grain}`)).toEqual([
    '0 hour',
    '1 day',
    '2 week',
    '2 month',
    '3 year',
  ])
})

test('what is counted from the events stands side by side', () => {
  expect(treeOf([made('hour', null), made('day', null)]).map(({ depth }) => depth)).toEqual([0, 0])
})
