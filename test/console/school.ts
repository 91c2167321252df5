/** A small project for the console's tests: one flow that is quick, one that takes its time, one whose source can be broken, one that counts. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { openSite, type Site } from './site.ts'

export interface School extends Site {
  /** Runs of \`census\` stand still before they publish, until \`release\`. */
  hold(): Promise<void>
  release(): Promise<void>
  /** The bodies that its webhook has received. */
  readonly told: readonly string[]
}

const config = `import { defineConfig, endpoint, env, file, rollup, sync } from 'sluice'

export default defineConfig({
  project: 'school-board',
  api: { port: 0 },
  notify: [{ webhook: env('OPS_WEBHOOK'), on: ['failed', 'late', 'recovered', 'guard'] }],
  flows: {
    schools: sync({
      from: { csv: 'data/schools.csv' },
      to: 'api_schools',
      key: ['emis'],
      every: '2h',
      late: '30m',
    }),
    teachers: sync({
      from: { file: file('sql/teachers.sql') },
      to: 'api_teachers',
      key: ['id'],
      columns: { score: { type: 'integer' } },
      after: ['schools'],
      cron: '30 2 * * *',
      zone: 'Europe/Berlin',
    }),
    // Stands still before it publishes, as long as a test wants: see \`hold\`.
    census: sync({
      from: { file: file('sql/census.sql') },
      to: 'api_census',
      key: ['id'],
      beforePublish: file('sql/hold.sql'),
    }),
    // Reads for so long that there is time to cancel it.
    archive: sync({ from: { query: 'select i as id, md5(i::varchar) as line from range(1, 50000001) t (i)' }, to: 'api_archive', key: ['id'] }),
    // Not due while a test lasts: what is dirty stays so until it is run.
    visits: rollup({
      from: 'visit',
      at: 'seen_at',
      to: 'visits_rollup',
      zone: 'Europe/Berlin',
      grains: ['hour', 'day', 'week', 'month', 'year'],
      by: ['site', 'device'],
      levels: [['site', 'device'], ['site'], []],
      measures: { visits: 'count', seconds: { avg: 'seconds' } },
      every: '365d',
    }),
  },
  endpoints: {
    teachers: endpoint({
      table: 'api_teachers',
      filter: ['sector', 'score'],
      search: ['teacher'],
      sort: ['id', 'teacher'],
      summary: 'Teachers by sector',
    }),
  },
})
`

const schoolsCsv = [
  'emis,name,sector',
  ...Array.from({ length: 40 }, (_, n) => `${1000 + n},School ${n + 1},${['East', 'West'][n % 2] ?? ''}`),
].join('\n')

/** Visits of 70 days until now, of the hour that is not over, too. */
const visits = `
  create table visit (id bigint generated always as identity primary key, site text not null, device text, seconds int, seen_at timestamptz not null);
  create index on visit (seen_at);
  insert into visit (site, device, seconds, seen_at)
    select (array['library', 'shop', 'blog'])[1 + i % 3], (array['phone', 'desktop', null])[1 + i * 7 % 3], i % 240,
      now() - i * interval '5 minutes' - (i % 7) * interval '1 hour'
    from generate_series(0, 20000) i where (i * 13) % 5 < 3 or i % 3 = 0`

const files = {
  'data/schools.csv': `${schoolsCsv}\n`,
  'sql/teachers.sql': `select i as id, 'Teacher ' || i as teacher, case i % 3 when 0 then 'East' when 1 then 'West' else 'North' end as sector,
  (i * 37) % 101 as score
from range(1, 2001) t (i)
`,
  'sql/census.sql': `select i as id, md5(i::varchar) as a, md5((i * 7)::varchar) as b, md5((i * 13)::varchar) as c
from range(1, 60001) t (i)
`,
  'sql/hold.sql': `do $$ begin while not pg_try_advisory_xact_lock_shared(8321) loop perform pg_sleep(0.05); end loop; end $$
`,
}

export { schoolsCsv }

export async function openSchool(): Promise<School> {
  const told: string[] = []
  const receiver = await listen(told)
  const { port } = receiver.address() as AddressInfo // it listens on TCP
  try {
    const site = await openSite({ config, files, env: { OPS_WEBHOOK: `http://127.0.0.1:${port}/ops` } })
    await site.query(visits)
    const holder = new pg.Client(site.database)
    await holder.connect()
    return {
      ...site,
      told,
      hold: async () => void (await holder.query('select pg_advisory_lock(8321)')),
      release: async () => void (await holder.query('select pg_advisory_unlock_all()')),
      [Symbol.asyncDispose]: async () => {
        await holder.end()
        await site[Symbol.asyncDispose]()
        receiver.close()
      },
    }
  } catch (error) {
    receiver.close()
    throw error
  }
}

async function listen(told: string[]): Promise<Server> {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (part: string) => (body += part))
    request.on('end', () => {
      told.push(body)
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
