/**
 * A `sluice` command as a process of its own, for tests that kill and stop it: `node child.ts <url> <flows as JSON> <mode> [run]`.
 * `ensure`: does this run and exits. `work`: a worker, until it is told to stop.
 */
import { ensure } from '../../src/runs/ensure.ts'
import { describeWorker, Worker } from '../../src/runs/worker.ts'
import { openDatabase } from '../../src/stores/postgres/client.ts'
import { openHarness, testFlow, type TestOptions } from './harness.ts'

const [url = '', json = '[]', mode = '', id = '', elsewhere = '', leaseMs = '3000'] = process.argv.slice(2)
// Written by the test that started this process.
const flows = JSON.parse(json) as readonly { readonly name: string; readonly options: TestOptions }[]
const db = await openDatabase({ store: 'database', url, max: 20 })
const others = elsewhere === '' ? [] : [await openDatabase({ store: 'elsewhere', url: elsewhere })]
const harness = await openHarness(
  db,
  flows.map((flow) => testFlow(flow.name, flow.options)),
  { databases: others, leases: { leaseMs: Number(leaseMs), beatMs: Number(leaseMs) / 3 } },
)
if (mode === 'work') {
  const worker = new Worker(harness.engine, describeWorker(harness.engine, ['worker'], 'test'), 2)
  await worker.start()
  process.send?.('ready')
  await new Promise<void>((resolve) => process.once('SIGTERM', resolve))
  await worker.stop(1000)
} else {
  process.send?.('ready')
  await ensure(harness.engine, id, 'test')
}
await harness[Symbol.asyncDispose]()
for (const database of [db, ...others]) await database[Symbol.asyncDispose]()
for (const line of harness.said) process.stderr.write(`${line}\n`)
if (process.connected) process.disconnect?.()
