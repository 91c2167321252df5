import type pg from 'pg'
import type { Described, Pace, RowReader } from './result.ts'

export interface ReadingOptions {
  readonly text: string
  /** null: the statement is described, not run. */
  readonly values: readonly (string | null)[] | null
  readonly row: RowReader
  /** What it is prepared as; left out: it is not kept. */
  readonly prepared?: {
    readonly name: string
    /** The connection has it already. */
    readonly known: boolean
    /** Another one that is forgotten for it. */
    readonly old: string | null
  }
}

/** What the driver's types leave out of its connection. */
type Wire = pg.Connection & {
  readonly parsedStatements: Record<string, string | undefined>
  close(message: { readonly type: 'S'; readonly name: string }): void
}
interface Fields {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number; readonly dataTypeModifier: number }[]
}

/**
 * One statement as the driver submits it: parse (once a connection), bind, execute and sync in one write, hence one round trip, and each
 * row handed on as it is decoded.
 *
 *     submitted ──▶ rows … ──▶ done
 *         │          ├─ held ─▶ the socket is not read; resumed by the reader
 *         │          └─ left ─▶ what still comes is thrown away
 *         └──────────┴────────▶ failed
 */
export class Reading implements Pace {
  readonly done: Promise<void>
  readonly described: Described[] = []
  /** The driver reads these two. */
  readonly name: string | undefined
  readonly text: string
  readonly #options: ReadingOptions
  readonly #resolve: () => void
  readonly #reject: (reason: unknown) => void
  #wire: Wire | undefined
  #row: RowReader
  #failure: { readonly reason: unknown } | undefined

  constructor(options: ReadingOptions) {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.done = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#options = options
    this.#row = options.row
    this.text = options.text
    this.name = options.prepared?.name
  }

  submit(connection: pg.Connection): void {
    const wire = connection as Wire // the driver's own object; its types leave `close` out
    this.#wire = wire
    const { text, values, prepared } = this.#options
    const name = prepared?.name ?? ''
    wire.stream.cork()
    try {
      if (prepared !== undefined && prepared.old !== null) {
        wire.close({ type: 'S', name: prepared.old })
        delete wire.parsedStatements[prepared.old]
      }
      if (prepared?.known !== true) wire.parse({ name, text, types: [] }, true)
      if (values === null) {
        wire.describe({ type: 'S', name }, true)
      } else {
        // Nulls and text are what the protocol binds; the driver's type says strings.
        wire.bind({ statement: name, values: values as string[] }, true)
        wire.execute({}, true)
      }
      wire.sync()
    } finally {
      wire.stream.uncork()
    }
  }

  hold(): void {
    this.#wire?.stream.pause()
  }

  resume(): void {
    this.#wire?.stream.resume()
  }

  /** Rows that still come are thrown away. */
  leave(): void {
    this.#row = () => {}
    this.resume()
  }

  handleRowDescription({ fields }: Fields): void {
    for (const field of fields) {
      this.described.push({ name: field.name, typeOid: field.dataTypeID, typeModifier: field.dataTypeModifier })
    }
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    if (this.#failure !== undefined) return
    try {
      this.#row(fields, this)
    } catch (reason) {
      // A reader that fails must not throw into the driver's parser.
      this.#failure = { reason }
    }
  }

  handleCommandComplete(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
  handleCopyData(): void {}

  handleReadyForQuery(): void {
    if (this.#failure === undefined) this.#resolve()
    else this.#reject(this.#failure.reason)
  }

  handleError(error: unknown): void {
    this.resume()
    this.#reject(this.#failure === undefined ? error : this.#failure.reason)
  }

  handleCopyInResponse(): void {
    this.handleError(new Error('a reader takes no COPY'))
  }
}
