/**
 * The API, listening. What `sluice up` runs in the role `api`.
 *
 *   idle ──start──▶ listening ──stop──▶ draining ──▶ stopped
 *     └── taken ──▶ failed               streams end, answers under way may finish; at the limit connections are cut
 */
import type { AddressInfo } from 'node:net'
import { SluiceError } from '../lib/error.ts'
import type { Sluice } from '../sluice.ts'
import { type AppOptions, buildApp } from './app.ts'
import type { ApiSettings } from './config.ts'
import type { Api } from './route.ts'

export interface ServerOptions extends Omit<AppOptions, 'settings'> {
  /** Default: those of the config. */
  readonly settings?: ApiSettings
}

export interface Listening {
  /** Where people reach it: `api.publicUrl`, or the address that it listens on. */
  readonly url: URL
  readonly host: string
  readonly port: number
  /** The port that was taken; null: it has the one that was meant. */
  readonly instead: number | null
}

/** Where it listens unless the config says so, or another process does already. */
const usualPort = 8_321

export class ApiServer implements AsyncDisposable {
  readonly #sluice: Sluice
  readonly #options: ServerOptions
  #started: Promise<Listening> | undefined
  #app: Api | undefined
  #stopped: Promise<void> | undefined

  constructor(sluice: Sluice, options: ServerOptions) {
    this.#sluice = sluice
    this.#options = options
  }

  /** Listens. Idempotent. `PORT_TAKEN`; `CONFIG_INVALID` for an address that is not this machine's. */
  start(): Promise<Listening> {
    this.#started ??= this.#start()
    return this.#started
  }

  async #start(): Promise<Listening> {
    const settings = this.#options.settings ?? this.#sluice.apiSettings()
    const app = await buildApp(this.#sluice, { ...this.#options, settings })
    this.#app = app
    try {
      const instead = await listen(app, settings)
      const { port } = app.server.address() as AddressInfo // it listens on TCP
      return { url: settings.publicUrl ?? address(settings.host, port), host: settings.host, port, instead }
    } catch (error) {
      await app.close()
      throw error
    }
  }

  /** Answers what is under way, at most for `drainMs`. Idempotent. */
  stop(drainMs: number): Promise<void> {
    this.#stopped ??= this.#stop(drainMs)
    return this.#stopped
  }

  async #stop(drainMs: number): Promise<void> {
    await this.#started?.catch(() => undefined) // whoever started it was told
    const app = this.#app
    if (app === undefined) return
    const cut = setTimeout(() => app.server.closeAllConnections(), drainMs)
    try {
      await app.close()
    } finally {
      clearTimeout(cut)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(0)
  }
}

/** The port that was taken, if another was used instead. */
async function listen(app: Api, { host, port }: ApiSettings): Promise<number | null> {
  try {
    await app.listen({ host, port: port ?? usualPort })
    return null
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException // of Node's
    if (code === 'EADDRINUSE' && port === null) {
      await app.listen({ host, port: 0 })
      return usualPort
    }
    throw refused(error, code, host, port ?? usualPort)
  }
}

function refused(cause: unknown, code: string | undefined, host: string, port: number): unknown {
  if (code === 'EADDRINUSE') {
    return new SluiceError('PORT_TAKEN', `Port ${port} is taken`, {
      why: `another process listens on ${host}:${port}; it may be another \`sluice up\``,
      fix: 'end that process, name another port in `api.port`, or leave it out to get a free one',
      cause,
    })
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new SluiceError('CONFIG_INVALID', `The API cannot listen on ${host}:${port}`, {
      why: code === 'EACCES' ? 'this user may not use that port' : 'that is no address of this machine',
      fix: code === 'EACCES' ? 'name a port from 1024 on in `api.port`' : 'correct `api.host`',
      cause,
    })
  }
  return cause
}

/** What to open in a browser of this machine. */
function address(host: string, port: number): URL {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return new URL(`http://${name}:${port}/`)
}
