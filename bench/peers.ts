/** The peers from PyPI, in a virtual environment of their own: the same file into the same server, with key and ANALYZE. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median, round } from './figures.ts'

export interface PeerResult {
  readonly name: string
  readonly version: string
  readonly seconds: number
  readonly ratio: number
  readonly turns: readonly number[]
}

export interface Peer {
  readonly name: string
  /** Loads the file once; seconds. */
  turn(): Promise<number>
  /** Its turns so far, against the limit. */
  result(limitSeconds: number): PeerResult
}

export interface PeersOptions {
  readonly url: string
  readonly file: string
  readonly rows: number
  readonly say: (text: string) => void
}

const exec = promisify(execFile)
const script = fileURLToPath(new URL('peers.py', import.meta.url))
const venv = join(tmpdir(), 'sluice-bench-peers')
const packages = ['adbc-driver-postgresql', 'adbc-driver-manager', 'pyarrow', 'dlt[postgres]']

/** Sets the peers up; whoever measures says when each has its turn. */
export async function peersOf(options: PeersOptions): Promise<Peer[]> {
  const python = join(venv, 'bin', 'python')
  if (!existsSync(python)) {
    options.say('setting up the peers (PyPI)')
    await exec('python3', ['-m', 'venv', venv])
  }
  await exec(python, ['-m', 'pip', 'install', '-q', ...packages])
  return ['adbc', 'dlt'].map((name) => peer(name, python, options))
}

function peer(name: string, python: string, { url, file, rows }: PeersOptions): Peer {
  const turns: number[] = []
  let version = ''
  return {
    name,
    async turn() {
      const { stdout } = await exec(python, [script, name, url, file], { maxBuffer: 1 << 26 })
      // peers.py prints this as its last line.
      const printed = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
        seconds: number
        version: string
        rows: number
      }
      if (printed.rows !== rows) throw new Error(`${name} loaded ${printed.rows} rows`)
      version = printed.version
      turns.push(printed.seconds)
      return printed.seconds
    },
    result(limitSeconds) {
      const seconds = median(turns)
      return { name, version, seconds: round(seconds), ratio: round(seconds / limitSeconds), turns: turns.map(round) }
    },
  }
}
