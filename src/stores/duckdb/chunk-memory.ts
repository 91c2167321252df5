/**
 * The memory of a copy's chunks: shared with the reader, who gives back what it has done with, so that nothing is allocated for a
 * chunk, nor copied or left to be collected.
 */
import { chunkBytes, type ChunkMemory } from '../../transfer/pgcopy/encoder.ts'

export class SharedChunks implements ChunkMemory {
  /** By slot. */
  readonly slots: readonly SharedArrayBuffer[]
  readonly #free: SharedArrayBuffer[]

  /** `ahead`: how many chunks may be with the reader. One more waits to be sent, and one is being filled. */
  constructor(ahead: number) {
    this.slots = Array.from({ length: ahead + 2 }, () => new SharedArrayBuffer(chunkBytes))
    this.#free = [...this.slots]
  }

  take(bytes: number): Uint8Array {
    const free = bytes > chunkBytes ? undefined : this.#free.pop()
    // For a row that is longer than a chunk: memory of its own.
    return free === undefined ? new Uint8Array(bytes) : new Uint8Array(free)
  }

  give(memory: Uint8Array): void {
    if (memory.buffer instanceof SharedArrayBuffer) this.#free.push(memory.buffer)
  }

  giveSlot(slot: number): void {
    const memory = this.slots[slot]
    if (memory !== undefined) this.#free.push(memory)
  }

  /** Of a chunk; null: it is in memory of its own. */
  slotOf({ buffer }: Uint8Array): number | null {
    const slot = this.slots.findIndex((shared) => shared === buffer)
    return slot === -1 ? null : slot
  }
}
