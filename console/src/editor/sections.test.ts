import { expect, test } from 'vitest'
import { syncForm } from '../kinds/sync/form.ts'
import { sectionsOf } from './sections.ts'
import type { Field } from './shape.ts'

const field = (key: string): Field => ({
  key,
  description: null,
  required: false,
  fallback: undefined,
  input: { tag: 'text' },
})

test('every field stands once: where its section puts it, else in the last one', () => {
  const fields = ['every', 'to', 'from', 'brandNew', 'guard'].map(field)
  const found = sectionsOf(fields, syncForm.sections).map(({ section, fields: its }) => [
    section.title,
    its.map(({ key }) => key),
  ])
  expect(found).toEqual([
    ['Source', ['from']],
    ['Target', ['to']],
    ['Schedule', ['every']],
    ['Guard and publishing', ['guard']],
    ['More', ['brandNew']],
  ])
})

test('a kind without a form of its own has one all the same', () => {
  expect(sectionsOf([field('a')], []).map(({ section }) => section.title)).toEqual(['Definition'])
})
