/**
 * One flow run end to end through `openSluice`, in a process of its own: planning, guard, loading, key, ANALYZE, publishing and
 * the record. Reads `{ directory, config }` from stdin, since the config has a password; prints what it took and the peak of its memory.
 */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { openSluice } from '../src/sluice.ts'

export interface TurnResult {
  readonly openSeconds: number
  readonly seconds: number
  readonly rssMb: number
  readonly rows: number | null
  readonly changes: unknown
  readonly phases: readonly { readonly name: string; readonly seconds: number }[]
}

interface TurnRequest {
  readonly directory: string
  readonly config: object
}

if (import.meta.main) {
  // Written by load.ts, a moment ago.
  const { directory, config } = JSON.parse(await text(process.stdin)) as TurnRequest
  // As the launcher of the commands does.
  enableCompileCache(join(directory, 'compiled'))
  const started = performance.now()
  await using sluice = await openSluice({ directory, config })
  const opened = performance.now()
  const [record] = await sluice.run(undefined, { force: true })
  const ended = performance.now()
  if (record?.outcome !== 'succeeded') throw new Error(`the run ${record?.outcome}: ${JSON.stringify(record?.error)}`)
  const result: TurnResult = {
    openSeconds: (opened - started) / 1000,
    seconds: (ended - opened) / 1000,
    rssMb: process.resourceUsage().maxRSS / 1024,
    rows: record.rows,
    changes: record.result?.changes ?? null,
    phases: (record.attempts.at(-1)?.phases ?? []).map(({ name, seconds }) => ({ name, seconds })),
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
