import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Json } from '../lib/json.ts'
import { csrfOf, hashOf, newSecret, sameHash, storable } from './secret.ts'

const kinds = ['token', 'session', 'link'] as const

test('secrets are their own kind, each another, and kept by hash', () => {
  const made = new Set(Array.from({ length: 1_000 }, (_, n) => newSecret(kinds[n % 3] ?? 'token').secret))
  expect(made.size).toBe(1_000)
  for (const kind of kinds) {
    const { secret, hash } = newSecret(kind)
    expect(hash).toHaveLength(32)
    expect(hashOf(kind, secret)).toEqual(hash)
    for (const other of kinds) if (other !== kind) expect(hashOf(other, secret)).toBeNull()
    for (const odd of [`${secret}x`, secret.slice(0, -1), ` ${secret}`, `${secret.slice(0, -1)}\n`])
      expect(hashOf(kind, odd)).toBeNull()
  }
  expect(sameHash(Buffer.from('a'), Buffer.from('ab'))).toBe(false)
  expect(csrfOf('a')).not.toBe(csrfOf('b'))
})

test('whatever is stored has no secret of ours and is text that PostgreSQL holds', () => {
  const secret = fc.constantFrom(...kinds).map((kind) => newSecret(kind).secret)
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    secret,
    fc.tuple(fc.string(), secret).map((parts) => parts.join('')),
  )
  const json = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.constantFrom(null, true, 1.5, '\0', '\ud800'),
      fc.array(tie('value')),
      fc.dictionary(text, tie('value')),
    ),
  })).value
  fc.assert(
    fc.property(json, (value) => {
      const kept = JSON.stringify(storable(value))
      expect(kept).not.toMatch(/sl[csl]_[A-Za-z0-9_-]{43}/)
      expect(kept).not.toMatch(/\\u0000|\\ud[89a-f]/i)
      expect(storable(JSON.parse(kept) as Json)).toEqual(JSON.parse(kept))
    }),
  )
})
