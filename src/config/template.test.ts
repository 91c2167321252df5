import fc from 'fast-check'
import { inject, expect, test } from 'vitest'
import pg from 'pg'
import { SluiceError } from '../lib/error.ts'
import { renderTemplate } from './template.ts'

function refused(source: string, params: Record<string, unknown> = {}): SluiceError {
  try {
    renderTemplate('sql/t.sql', source, params)
  } catch (error) {
    if (error instanceof SluiceError) return error
    throw error
  }
  throw new Error('it was rendered')
}

test('text is left as it is: nothing is escaped behind the author', () => {
  const source = `select '<&"' as a, {{ x }}\n`
  expect(renderTemplate('t.sql', source, { x: `'<b>&"'` })).toBe(`select '<&"' as a, '<b>&"'\n`)
  expect(renderTemplate('t.html', '{{ x }}', { x: '<b>' })).toBe('<b>')
})

test('loops, conditions and the methods that Python has', () => {
  const source = `{% for t in tenants %}{{ t.upper() }}{% if not loop.last %}, {% endif %}{% endfor %}`
  expect(renderTemplate('t.sql', source, { tenants: ['a', 'b'] })).toBe('A, B')
})

test.each([
  ['undefined', 'select 1\n, {{ typo }}', 'it names something that is not in `params`'],
  ['undefined through a filter', 'select 1\n, {{ typo | literal }}', 'the value is undefined or none'],
  ['undefined as a name', 'select 1\n, {{ typo | identifier }}', 'the name is undefined or none'],
  ['a syntax error', 'select 1\n, {% if %}', 'syntax error: unexpected end of block'],
  ['a filter that is none', 'select 1\n, {{ 1 | literl }}', 'unknown filter: filter literl is unknown'],
  ['a mapping', "select 1\n, {{ {'a': 1} | literal }}", 'a mapping has no SQL literal'],
  ['an empty list', 'select 1\n, {{ [] | literal }}', 'an empty list has no SQL literal'],
  ['a number as a name', 'select 1\n, {{ 1 | identifier }}', 'a name is text that is not empty'],
  ['an include', 'select 1\n, {% include "x.sql" %}', 'template not found'],
])('%s is refused with its line', (_, source, why) => {
  const error = refused(source)
  expect(error).toMatchObject({ code: 'TEMPLATE_INVALID', where: { file: 'sql/t.sql:2' } })
  expect(error.why).toContain(why)
})

test('an engine that failed does not spoil the next', () => {
  refused('{{ typo | literal }}')
  expect(renderTemplate('t.sql', '{{ x | literal }}', { x: 'ok' })).toBe("'ok'")
})

test('literals and names are what PostgreSQL reads back', async () => {
  const client = new pg.Client(inject('postgres18'))
  await client.connect()
  try {
    const text = fc.string({ unit: 'binary' }).filter((one) => !one.includes('\0') && one.isWellFormed())
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 10 })
      .filter((one) => !one.includes('\0') && Buffer.byteLength(one) < 60)
    await fc.assert(
      fc.asyncProperty(text, fc.integer(), fc.boolean(), name, async (s, n, b, alias) => {
        const source =
          'select {{ s | literal }} as {{ a | identifier }}, {{ n | literal }}::text as n, {{ b | literal }} as b'
        const query = renderTemplate('t.sql', source, { s, n, b, a: alias })
        const { rows } = await client.query<unknown[]>({ text: query, rowMode: 'array' })
        expect(rows).toEqual([[s, String(n), b]])
      }),
      { numRuns: 200 },
    )
    const list = renderTemplate('t.sql', "select 'b''' in {{ l | literal }} as found", { l: ['a', "b'"] })
    expect((await client.query<{ found: boolean }>(list)).rows).toEqual([{ found: true }])
  } finally {
    await client.end()
  }
})
