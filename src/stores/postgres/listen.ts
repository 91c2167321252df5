import pg from 'pg'
import { ident } from '../../lib/sql.ts'

/**
 * LISTEN on a connection of its own, for as long as it takes:
 *
 *     connecting ──> listening ──(connection breaks)──> waiting ──> connecting …
 *          └──(fails)──> waiting                 dispose() from anywhere: closed
 *
 * What is notified while no connection stands is lost, as LISTEN has it: whoever listens also looks by itself now and then.
 */
export class Listener implements AsyncDisposable {
  readonly #config: pg.ClientConfig
  readonly #channel: string
  readonly #on: { readonly notified: (payload: string) => void; readonly again: () => void }
  #client: pg.Client | undefined
  #timer: NodeJS.Timeout | undefined
  #failures = 0
  #broken = false
  #closed = false

  /** `again` is called when it listens again after a break. */
  constructor(
    config: pg.ClientConfig,
    channel: string,
    on: { readonly notified: (payload: string) => void; readonly again: () => void },
  ) {
    this.#config = config
    this.#channel = channel
    this.#on = on
  }

  /** The first connection; rejects with the driver's error if there is none to be had. */
  async start(): Promise<void> {
    const client = new pg.Client(this.#config)
    this.#client = client
    client.on('error', () => {})
    client.on('end', () => this.#again(client))
    client.on('notification', ({ channel, payload }) => {
      if (channel === this.#channel && !this.#closed) this.#on.notified(payload ?? '')
    })
    await client.connect()
    await client.query(`listen ${ident(this.#channel).sql}`)
    this.#failures = 0
    if (this.#broken && !this.#closed) this.#on.again()
    this.#broken = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    const client = this.#client
    this.#client = undefined
    if (client === undefined) return
    const patience = setTimeout(() => client.connection.stream.destroy(), 1000)
    await client.end().catch(() => {})
    clearTimeout(patience)
  }

  #again(client: pg.Client): void {
    if (this.#closed || this.#client !== client) return
    this.#client = undefined
    this.#broken = true
    const delay = Math.min(5000, 100 * 2 ** this.#failures) * (0.5 + Math.random() / 2)
    this.#failures += 1
    this.#timer = setTimeout(() => {
      this.start().catch(() => {
        // The end of the socket schedules the next try; a client that never had one is retried here.
        const failed = this.#client
        if (failed !== undefined) {
          failed.connection.stream.destroy()
          this.#again(failed)
        }
      })
    }, delay)
  }
}
