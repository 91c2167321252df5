import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const launcher = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  /** Added to PATH and HOME, which are all that is passed on. */
  readonly env?: Readonly<Record<string, string>>
  /** Another Node than the one that runs the tests. */
  readonly node?: string
  readonly launcher?: string
  /** Milliseconds after which it counts as hanging. */
  readonly limit?: number
  readonly started?: (child: ChildProcess) => void
}

/** Runs `sluice` in a folder, without a terminal, as a user would; rejects when it hangs. */
export function sluice(directory: string, argv: readonly string[], options: CliOptions = {}): Promise<Ended> {
  const { node = process.execPath, limit = 60_000 } = options
  return new Promise((resolve, reject) => {
    const child = spawn(node, [options.launcher ?? launcher, ...argv], {
      cwd: directory,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => (stdout += part))
    child.stderr.setEncoding('utf8').on('data', (part: string) => (stderr += part))
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`sluice ${argv.join(' ')} hangs:\n${stdout}\n${stderr}`))
    }, limit)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, stdout, stderr })
    })
    options.started?.(child)
  })
}

/** Writes files below a folder, with the folders they need. */
export async function write(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), text)
  }
}
