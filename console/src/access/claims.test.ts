import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { claimsOf, faultOf, inWords, readWord, rowsOf, writeWord } from './claims.ts'

/** As JSON holds them: it knows no -0. */
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value))
const scalar = fc.oneof(fc.string(), fc.constantFrom('5', '"5"', 'true', ' x', '[1]', 'null'), number, fc.boolean())
const claim = fc.oneof(scalar, fc.array(scalar))
const names = fc.string({ minLength: 1 }).filter((name) => name.trim() === name && name !== '__proto__')

describe('claims', () => {
  it('a value that is written is read back as it was', () => {
    fc.assert(
      fc.property(claim, (value) => {
        expect(readWord(writeWord(value))).toEqual(value)
      }),
    )
  })

  it('so is every set of claims', () => {
    fc.assert(
      fc.property(fc.dictionary(names, claim), (claims) => {
        expect(claimsOf(rowsOf({ ...claims }))).toEqual({ ...claims })
      }),
    )
  })

  it('a number is a number, and in quotes a text', () => {
    const words = ['5', '"5"', 'East', 'true', '["East"]', 'null', '{"a":1}']
    expect(words.map(readWord)).toEqual([5, '5', 'East', true, ['East'], 'null', '{"a":1}'])
  })

  it('what is half written cannot be saved', () => {
    expect(faultOf([{ name: 'sector', values: [] }])).toBe('sector has no value')
    expect(faultOf([{ name: ' ', values: ['East'] }])).toBe('a value has no name')
    expect(
      faultOf([
        { name: 'sector', values: ['East'] },
        { name: 'sector ', values: ['West'] },
      ]),
    ).toBe('sector is there twice')
    expect(faultOf([{ name: '', values: [] }])).toBeNull()
  })

  it('is said in words', () => {
    expect(inWords({ sector: ['East', 'West'], school: 5 })).toBe('sector: East, West; school: 5')
  })
})
