import type pg from 'pg'
import { to } from 'pg-copy-streams'
import { requestCancel } from './connection.ts'

/**
 * COPY to stdout: chunks of the stream as they come in, rows may be split between two. The reader sets the pace. A
 * reader that leaves early has the statement cancelled and what was under way discarded, so that the connection is
 * ready again when the loop is left (inside a transaction, that transaction is then failed).
 */
export async function* copyOut(client: pg.Client, statement: string): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = client.query(to(statement, { highWaterMark: 1024 * 1024 }))
  const over = Promise.withResolvers<void>()
  let ended = false
  const end = (): void => {
    ended = true
    over.resolve()
  }
  stream.once('end', end)
  stream.on('error', end)
  try {
    // An async iterator of a Readable has no static type for its chunks; COPY gives buffers.
    yield* stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  } finally {
    if (!ended) {
      const cancelled = requestCancel(client)
      stream.resume()
      // A server that neither sends nor answers leaves a connection that nobody can use again.
      const patience = setTimeout(
        () => client.connection.stream.destroy(new Error('Connection terminated: no answer to cancel')),
        10_000,
      )
      await over.promise
      clearTimeout(patience)
      await cancelled
    }
  }
}
