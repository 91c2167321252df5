import { formatPgType, type PgType } from '../pgtype.ts'
import { fault, unsuitable, type Converted } from './fault.ts'
import { textOf, type Value } from './value.ts'

const encoder = new TextEncoder()

/** Any value as text, as PostgreSQL prints it. */
export function encodeText(
  value: Value,
  type: Extract<PgType, { tag: 'text' | 'varchar' | 'char' | 'other' }>,
): Converted {
  const text = textOf(value)
  if (text.includes('\0')) {
    return {
      ...fault('PostgreSQL cannot hold 0x00 in text', encoder.encode(cut(text.replaceAll('\0', ''), lengthOf(type)))),
      spelled: encoder.encode(cut(text.replaceAll('\0', '\\x00'), lengthOf(type))),
    }
  }
  const length = lengthOf(type)
  // Blanks at the end of char(n) are not part of the value.
  const counted = type.tag === 'char' ? text.replace(/ +$/u, '') : text
  if (length !== null && counted.length > length && [...counted].length > length) {
    return fault(`it is longer than ${formatPgType(type)}`, encoder.encode(cut(counted, length)))
  }
  return value.tag === 'string' ? value.bytes : encoder.encode(text)
}

function lengthOf(type: PgType): number | null {
  return type.tag === 'varchar' || type.tag === 'char' ? type.length : null
}

function cut(text: string, length: number | null): string {
  return length === null ? text : [...text].slice(0, length).join('')
}

export function toBytes(value: Value): Converted {
  if (value.tag === 'bytes') return value.bytes
  if (value.tag !== 'string') return unsuitable(value, 'bytea')
  const hex = /^\\x((?:[0-9a-fA-F]{2})*)$/u.exec(textOf(value))
  return hex === null
    ? fault('only text like \\xdeadbeef becomes bytea')
    : Uint8Array.from(Buffer.from(hex[1] ?? '', 'hex'))
}

export function toUuid(value: Value): Converted {
  if (value.tag === 'uuid') return value.bytes
  if (value.tag !== 'string') return unsuitable(value, 'uuid')
  const hex = textOf(value)
    .replaceAll('-', '')
    .replace(/^\{(.*)\}$/u, '$1')
  return /^[0-9a-fA-F]{32}$/u.test(hex) ? Uint8Array.from(Buffer.from(hex, 'hex')) : fault('the text is not a uuid')
}

export function toBits(value: Value, type: Extract<PgType, { tag: 'bit' }>): Converted {
  const bits = value.tag === 'bits' ? value.bits : value.tag === 'string' ? textOf(value) : null
  if (bits === null) return unsuitable(value, 'bit')
  if (!/^[01]*$/u.test(bits)) return fault('the text has other characters than 0 and 1')
  const { length } = type
  if (length === null) return packed(bits)
  if (bits.length > length) return fault(`it is longer than ${formatPgType(type)}`, packed(bits.slice(0, length)))
  if (!type.varying && bits.length < length)
    return fault(`it is shorter than ${formatPgType(type)}`, packed(bits.padEnd(length, '0')))
  return packed(bits)
}

function packed(bits: string): Uint8Array {
  const bytes = new Uint8Array(4 + Math.ceil(bits.length / 8))
  new DataView(bytes.buffer).setInt32(0, bits.length)
  for (let at = 0; at < bits.length; at += 8)
    bytes[4 + at / 8] = Number.parseInt(bits.slice(at, at + 8).padEnd(8, '0'), 2)
  return bytes
}
