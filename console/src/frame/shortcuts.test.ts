import { expect, it } from 'vitest'
import { press } from './shortcuts.ts'

const shortcuts = [{ keys: '?' }, { keys: 'g f' }, { keys: 'g h' }]

it('finds one key at once and two in a row', () => {
  expect(press(shortcuts, '', '?')).toEqual({ found: 0, pressed: '' })
  expect(press(shortcuts, '', 'g')).toEqual({ found: -1, pressed: 'g' })
  expect(press(shortcuts, 'g', 'f')).toEqual({ found: 1, pressed: '' })
})

it('a key that fits nothing begins anew', () => {
  expect(press(shortcuts, 'g', 'x')).toEqual({ found: -1, pressed: '' })
  expect(press(shortcuts, 'g', 'g')).toEqual({ found: -1, pressed: 'g' })
  expect(press(shortcuts, 'g', '?')).toEqual({ found: 0, pressed: '' })
})
