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
  readonly #notified: (payload: string) => void
  #client: pg.Client | undefined
  #timer: NodeJS.Timeout | undefined
  #failures = 0
  #closed = false

  constructor(config: pg.ClientConfig, channel: string, notified: (payload: string) => void) {
    this.#config = config
    this.#channel = channel
    this.#notified = notified
  }

  /** The first connection; rejects with the driver's error if there is none to be had. */
  async start(): Promise<void> {
    const client = new pg.Client(this.#config)
    this.#client = client
    client.on('error', () => {})
    client.on('end', () => this.#again(client))
    client.on('notification', ({ channel, payload }) => {
      if (channel === this.#channel && !this.#closed) this.#notified(payload ?? '')
    })
    await client.connect()
    await client.query(`listen ${ident(this.#channel).sql}`)
    this.#failures = 0
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
