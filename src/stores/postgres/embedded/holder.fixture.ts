/** A process of its own that holds an embedded server, for the tests: prints one line of JSON, then does as it is told. */
import { startEmbedded } from './embedded.ts'

const [directory = '', mode = 'dispose'] = process.argv.slice(2)
const server = await startEmbedded({ directory })
process.stdout.write(`${JSON.stringify({ url: server.url, port: server.port, dataDirectory: server.dataDirectory })}\n`)
if (mode === 'exit') process.exit(0)
process.stdin.resume()
process.stdin.once('end', () => {
  if (mode === 'dispose') void server[Symbol.asyncDispose]()
  else process.exit(0)
})
