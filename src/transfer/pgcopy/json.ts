import { fault, unsuitable, type Converted, type Fault } from './fault.ts'
import { shortest } from './decimal.ts'
import { textOf, type Value } from './value.ts'

const encoder = new TextEncoder()

/** A value as a JSON document. Text must already be one; what jsonb refuses (an escaped 0x00, half a surrogate pair) is a fault. */
export function encodeJson(value: Value, tag: 'json' | 'jsonb'): Converted {
  const written = write(value, tag)
  if (typeof written !== 'string') return written
  const refused = refusal(written, tag)
  return refused ?? bytesOf(written, tag)
}

function write(value: Value, tag: 'json' | 'jsonb'): string | Fault {
  switch (value.tag) {
    case 'string':
    case 'boolean':
    case 'int':
    case 'decimal':
      return textOf(value)
    case 'float':
      return Number.isFinite(value.value) ? shortest(value.value, value.bits) : fault(`JSON has no ${value.value}`)
    case 'list': {
      const parts: string[] = []
      for (const item of value.items) {
        const part = item === null ? 'null' : write(item, tag)
        if (typeof part !== 'string') return part
        parts.push(item?.tag === 'string' && !item.json ? JSON.stringify(part) : part)
      }
      return `[${parts.join(',')}]`
    }
    case 'date':
    case 'time':
    case 'timetz':
    case 'timestamp':
    case 'infinity':
    case 'uuid':
    case 'interval':
      return JSON.stringify(textOf(value))
    default:
      return unsuitable(value, tag)
  }
}

function refusal(text: string, tag: 'json' | 'jsonb'): Fault | null {
  try {
    JSON.parse(text)
  } catch {
    return fault('the text is not JSON')
  }
  if (tag === 'json' || !text.includes('\\u')) return null
  let bare = text.replaceAll('\\\\', '')
  if (bare.includes('\\u0000')) {
    const without = text.replaceAll(/(?<!\\)((?:\\\\)*)\\u0000/gu, '$1')
    return fault('jsonb cannot hold \\u0000', bytesOf(without, tag))
  }
  bare = bare.replaceAll(/\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}/gu, '')
  return /\\u[dD][89a-fA-F]/u.test(bare) ? fault('jsonb cannot hold half a surrogate pair') : null
}

function bytesOf(text: string, tag: 'json' | 'jsonb'): Uint8Array {
  const bytes = encoder.encode(text)
  if (tag === 'json') return bytes
  const versioned = new Uint8Array(bytes.length + 1)
  versioned[0] = 1
  versioned.set(bytes, 1)
  return versioned
}
