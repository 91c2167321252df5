/** A process of its own that schedules, until somebody ends it: `node process.ts <url>`. */
import { openDatabase } from '../../src/stores/postgres/client.ts'
import { openClockwork } from '../support/clockwork.ts'
import { flows } from './flows.ts'

const [url = ''] = process.argv.slice(2)
const database = await openDatabase({ store: 'database', url, max: 4 })
const work = await openClockwork(database, flows)
const scheduler = work.scheduler()
scheduler.start()
process.stdout.write('scheduling\n')
process.once('SIGTERM', () => {
  void scheduler
    .stop()
    .then(() => work[Symbol.asyncDispose]())
    .then(() => database[Symbol.asyncDispose]())
})
