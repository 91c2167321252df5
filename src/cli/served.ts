import { userInfo } from 'node:os'
import type { ApiServer, Listening } from '../api/server.ts'
import { signInUrl } from '../api/sign-in-url.ts'
import type { Sluice } from '../sluice.ts'
import type { Output } from './output.ts'
import { versionOf } from './version.ts'

/** How long answers that are under way may take when the process is told to stop. */
const drainMs = 10_000

/** The API of a command, with what it says: where it is, and how to sign in. Nothing at all without the role. */
export class Served implements AsyncDisposable {
  readonly #wanted: boolean
  readonly #demo: boolean
  #server: ApiServer | undefined

  constructor(wanted: boolean, demo: boolean) {
    this.#wanted = wanted
    this.#demo = demo
  }

  async start(sluice: Sluice, out: Output): Promise<void> {
    if (!this.#wanted) return
    // Loaded when it is needed: commands that serve nothing begin without it.
    const { ApiServer } = await import('../api/server.ts')
    this.#server = new ApiServer(sluice, { version: versionOf(), log: process.stderr })
    const listening = await this.#server.start()
    await this.#say(sluice, out, listening)
  }

  /** The link goes to whoever starts it on a terminal, and to the first admin of all; in a log of a service it would lie open. */
  async #say(sluice: Sluice, out: Output, { url, port, instead }: Listening): Promise<void> {
    if (instead !== null) out.say(`port ${instead} is taken: using ${port}`)
    const first = (await sluice.access.principals.list({ limit: 1, cursor: null })).total === 0
    const shown = this.#demo || first || (process.stdin.isTTY === true && process.stdout.isTTY === true)
    const link = shown ? await this.#link(sluice, url) : null
    if (out.json) out.line({ api: { url: url.href, signIn: link } })
    else if (link === null) out.text(`console: ${url.href}`)
    else out.text(`console: ${link}\n         (signs in once, within 10 minutes; later: ${url.href})`)
  }

  async #link(sluice: Sluice, url: URL): Promise<string> {
    const actor = { by: 'system', id: null, name: userInfo().username } as const
    const { code } = await sluice.access.link({ actor, requestId: null })
    return signInUrl(url, code)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.stop(drainMs)
  }
}
