/** The peers from PyPI, in a virtual environment of their own: the same file into the same server, with key and ANALYZE. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { sql, type Database } from '../src/lib/sql.ts'

export interface PeerResult {
  readonly name: string
  readonly version: string
  readonly seconds: number
  readonly ratio: number
}

export interface PeersOptions {
  readonly url: string
  readonly database: Database
  readonly file: string
  readonly rows: number
  readonly limitSeconds: number
  readonly say: (text: string) => void
}

const exec = promisify(execFile)
const turns = 3
const venv = join(tmpdir(), 'sluice-bench-peers')
const packages = ['adbc-driver-postgresql', 'adbc-driver-manager', 'pyarrow', 'dlt[postgres]']

export async function peersOf(options: PeersOptions): Promise<PeerResult[]> {
  const python = join(venv, 'bin', 'python')
  if (!existsSync(python)) {
    options.say('setting up the peers (PyPI)')
    await exec('python3', ['-m', 'venv', venv])
  }
  await exec(python, ['-m', 'pip', 'install', '-q', ...packages])
  const results: PeerResult[] = []
  for (const name of ['adbc', 'dlt'] as const) {
    const seconds: number[] = []
    let version = ''
    for (let turn = 1; turn <= turns; turn++) {
      await options.database.run(sql`checkpoint`)
      const { stdout } = await exec(
        python,
        [fileURLToPath(new URL('peers.py', import.meta.url)), name, options.url, options.file],
        {
          maxBuffer: 1 << 26,
        },
      )
      // peers.py prints this as its last line.
      const printed = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
        seconds: number
        version: string
        rows: number
      }
      if (printed.rows !== options.rows) throw new Error(`${name} loaded ${printed.rows} rows`)
      seconds.push(printed.seconds)
      version = printed.version
      options.say(`${name} ${version}: ${printed.seconds.toFixed(2)} s`)
    }
    const middle = seconds.sort((a, b) => a - b)[Math.floor(turns / 2)] ?? 0
    results.push({
      name,
      version,
      seconds: Math.round(middle * 1000) / 1000,
      ratio: Math.round((middle / options.limitSeconds) * 1000) / 1000,
    })
  }
  return results
}
