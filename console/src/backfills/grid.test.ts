import { expect, test } from 'vitest'
import { columnsIn, step } from './grid.ts'

test('arrows move by one or by a row, and stay at the edges', () => {
  const keys = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'x']
  expect(keys.map((key) => step(key, 5, 12, 4))).toEqual([4, 6, 1, 9, 0, 11, null])
  expect(keys.map((key) => step(key, 0, 12, 4))).toEqual([0, 1, 0, 4, 0, 11, null])
  expect(keys.map((key) => step(key, 11, 12, 4))).toEqual([10, 11, 7, 11, 0, 11, null])
})

test('a row takes whole squares, the last of which needs no gap', () => {
  expect([0, 16, 34, 35, 53, 54].map(columnsIn)).toEqual([1, 1, 1, 2, 2, 3])
})
