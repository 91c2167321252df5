/**
 * Who holds a DuckDB file. The lock that counts is DuckDB's own on the file itself; this file beside it only says whose it
 * is, so a stale one does no harm: whoever gets the file open writes its own name over it.
 */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename } from 'node:path'
import { SluiceError } from '../../lib/error.ts'

export interface Holder {
  readonly pid: number
  readonly host: string
  readonly started: string
  readonly command: string
}

export const lockPath = (path: string): string => `${path}.lock`

/** Names this process as the holder. */
export async function writeHolder(path: string): Promise<void> {
  const command = [
    basename(process.argv[0] ?? 'node'),
    ...process.argv.slice(1).map((part, index) => (index === 0 ? basename(part) : part)),
  ]
  const holder: Holder = {
    pid: process.pid,
    host: hostname(),
    started: new Date(Date.now() - process.uptime() * 1000).toISOString(),
    command: command.join(' ').slice(0, 200),
  }
  await writeFile(lockPath(path), `${JSON.stringify(holder)}\n`)
}

/** Removes the name, if it is still ours. */
export async function removeHolder(path: string): Promise<void> {
  const holder = await readHolder(path)
  if (holder?.pid === process.pid && holder.host === hostname()) await rm(lockPath(path), { force: true })
}

export async function readHolder(path: string): Promise<Holder | null> {
  let text: string
  try {
    text = await readFile(lockPath(path), 'utf8')
  } catch {
    return null
  }
  try {
    // Written by writeHolder; a torn or foreign file has no pid.
    const holder = JSON.parse(text) as Partial<Holder>
    if (typeof holder.pid !== 'number') return null
    return { pid: holder.pid, host: holder.host ?? '?', started: holder.started ?? '?', command: holder.command ?? '?' }
  } catch {
    return null
  }
}

/** `STORE_BUSY` with the name of the holder, as far as it is known. `refusal`: DuckDB's message, which may name the process, too. */
export function busy(store: string, path: string, holder: Holder | null, refusal: string): SluiceError {
  const pid = holder?.pid ?? Number(/PID (\d+)/u.exec(refusal)?.[1] ?? Number.NaN)
  const who =
    holder === null
      ? Number.isNaN(pid)
        ? 'another process'
        : `process ${pid}`
      : `process ${holder.pid} on ${holder.host} (${holder.command}), since ${holder.started}`
  return new SluiceError('STORE_BUSY', `the DuckDB file of ${store} is held by ${who}`, {
    why: 'DuckDB lets one process at a time have a file open for writing',
    fix: Number.isNaN(pid)
      ? 'stop the process that has the file open'
      : `wait for it, stop it (kill ${pid}), or let the running \`sluice up\` do the work`,
    where: { store, file: path },
  })
}
