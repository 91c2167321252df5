import { randomUUID } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

/**
 * `.sluice/postgres.json`: where the server is. A convenience for people and tools, and the memory of port and place; if it
 * is lost or damaged it is written anew from what is found.
 */
const recordSchema = z.object({
  home: z.string(),
  dataDirectory: z.string(),
  log: z.string(),
  binaries: z.string(),
  version: z.string(),
  port: z.int().min(1).max(65_535),
  /** Why the data is not in `.sluice`; null if it is. */
  why: z.string().nullable(),
})

export type EmbeddedRecord = z.output<typeof recordSchema>

export function readRecord(path: string): EmbeddedRecord | null {
  try {
    const parsed = recordSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

export function writeRecord(path: string, record: EmbeddedRecord): void {
  const part = `${path}.${randomUUID()}`
  try {
    writeFileSync(part, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    renameSync(part, path)
  } catch (error) {
    rmSync(part, { force: true })
    throw error
  }
}
