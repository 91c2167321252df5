import { expect, test } from 'vitest'
import { curl, quoted } from './curl.ts'

test('what a shell would read otherwise stands in quotes', () => {
  expect(['plain', 'a=b,c', 'x y', '$HOME `date`', ''].map(quoted)).toEqual([
    'plain',
    'a=b,c',
    "'x y'",
    "'$HOME `date`'",
    "''",
  ])
  expect(quoted("it's")).toBe(String.raw`'it'\''s'`)
})

test('the token is named, never written', () => {
  expect(curl({ url: 'http://localhost/api/flows?state=late' })).toBe(
    `curl -sS \\\n  'http://localhost/api/flows?state=late' \\\n  -H "Authorization: Bearer $SLUICE_TOKEN"`,
  )
  expect(curl({ method: 'POST', url: 'http://localhost/x', body: { force: true } })).toContain(
    `-X POST \\\n  http://localhost/x \\\n  -H "Authorization: Bearer $SLUICE_TOKEN" \\\n  --json '{"force":true}'`,
  )
})
