import type { PgType } from '../pgtype.ts'
import type { Value } from './value.ts'

/** Why a value does not fit, and the nearest one that does: bytes, or null where there is none. */
export interface Fault {
  readonly tag: 'fault'
  readonly why: string
  readonly nearest: Uint8Array | null
  /** The value written out where the target is text and only its spelling does not fit. */
  readonly spelled?: Uint8Array
}

export type Converted = Uint8Array | Fault

export const fault = (why: string, nearest: Uint8Array | null = null): Fault => ({ tag: 'fault', why, nearest })

export function unsuitable(value: Value, type: PgType['tag']): Fault {
  return fault(`a ${value.tag} does not become ${type}`)
}
