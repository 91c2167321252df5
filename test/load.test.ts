/**
 * Promise 2, as it looks over HTTP when much is asked at once: readers follow pages to their end and others ask for syncs, while what
 * they read is published again and again, in place and by swap. Nobody gets an error, no cursor shows two publications, and the memory of
 * the server does not grow.
 *
 * 20 readers and 4 triggers for 5 s; SLUICE_LOAD_SECONDS=60 is the long run of 200 readers and 20 triggers, and the one that looks at
 * memory (`--reporter=verbose` shows its figures).
 */
import { existsSync } from 'node:fs'
import { readFile, rename } from 'node:fs/promises'
import { Agent, type OutgoingHttpHeaders, request as send } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, type Project, type Running } from './support/project.ts'

const long = process.env['SLUICE_LOAD_SECONDS']
const seconds = Number(long ?? 5)
const readers = long === undefined ? 20 : 200
const triggers = long === undefined ? 4 : 20
/** A machine that does other things too may need longer for all that has to be seen. */
const patienceMs = 60_000
/** Requests of one caller in a minute: more than any of these callers asks, and less than one who does nothing else. */
const requestLimit = 3_000
const pageSize = 250

/** What is published how: with and without a key, so that pages go by key and by place. */
const flows = { keyed: ['in-place', ['id']], bag: ['in-place', []], swapped: ['swap', []] } as const
type FlowName = keyof typeof flows
const names = Object.keys(flows) as readonly FlowName[] // the keys of an object written just above

/** A version has so many rows, so that a total tells versions apart, too. */
const rowsOf = (version: number): number => 1_500 + (version % 10) * 25

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
  readonly ms: number
}

interface Page {
  readonly items: readonly { readonly id: number; readonly version: number }[]
  readonly next: string | null
  readonly total: number
  readonly asOf: string | null
}

let project: Project
let server: Running
let url: URL
let admin: string
let said = ''
const agent = new Agent({ keepAlive: true, maxSockets: 300 })

beforeAll(async () => {
  const sync = ([name, [publish, key]]: readonly [string, (typeof flows)[FlowName]]): string =>
    `${name}: sync({ from: { csv: '${name}.csv' }, to: '${name}', publish: '${publish}'${key.length > 0 ? `, key: ['id']` : ''} })`
  const endpoints = names.flatMap((name) => {
    const rest = `table: '${name}', sort: ['id'], page: { size: ${pageSize}, max: ${pageSize} }`
    return [`${name}: { ${rest} }`, `'${name}-list': { ${rest}, shape: 'list' }`]
  })
  project = await createProject(`{ ${Object.entries(flows).map(sync).join(', ')} }`, {
    top: `api: { port: 0, rateLimit: { requests: ${requestLimit} } }, endpoints: { ${endpoints.join(', ')} },`,
  })
  for (const name of names) await write(name, 0)
  const ran = await project.sluice(['run', '--all'])
  expect(ran.code, ran.stderr).toBe(0)
  const made = await project.sluice(['token', 'create', '--name', 'load', '--role', 'admin', '--json'])
  admin = (JSON.parse(made.stdout) as { readonly secret: string }).secret
  server = project.start(['up', '--json'])
  server.process.stderr?.on('data', (text: string) => (said += text))
  url = await new Promise<URL>((resolve, reject) => {
    let printed = ''
    server.process.stdout?.on('data', (text: string) => {
      printed += text
      const [first, rest] = printed.split('\n', 2)
      // What comes after the first line are the runs.
      if (first === undefined || rest === undefined) return
      resolve(new URL((JSON.parse(first) as { readonly api: { readonly url: string } }).api.url))
    })
    void server.ended.then(({ code, stderr }) => reject(new Error(`it ended with ${code}: ${stderr}`)))
  })
})
afterAll(async () => {
  agent.destroy()
  await project[Symbol.asyncDispose]()
})

/** The source of a flow becomes that version, at once: a run that reads meanwhile reads one or the other. */
async function write(name: FlowName, version: number): Promise<void> {
  const lines = Array.from({ length: rowsOf(version) }, (_, id) => `${id},${version}`)
  await project.write(`${name}.csv.new`, `id,version\n${lines.join('\n')}\n`)
  await rename(join(project.directory, `${name}.csv.new`), join(project.directory, `${name}.csv`))
}

async function ask(
  path: string,
  token: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: OutgoingHttpHeaders; body?: object } = {},
): Promise<Answer> {
  const began = performance.now()
  return await new Promise((resolve, reject) => {
    const content = body === undefined ? {} : { 'content-type': 'application/json' }
    const all = { authorization: `Bearer ${token}`, ...content, ...headers }
    const asked = send(new URL(path, url), { agent, method, headers: all }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.once('error', reject)
      response.once('end', () => {
        const { statusCode = 0 } = response
        resolve({ status: statusCode, headers: response.headers, body: text, ms: performance.now() - began })
      })
    })
    asked.once('error', reject)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

async function tokenFor(name: string, role: 'operator' | null): Promise<string> {
  const made = await ask('/api/tokens', admin, { method: 'POST', body: { name, role } })
  expect(made.status, made.body).toBe(201)
  return (JSON.parse(made.body) as { readonly secret: string }).secret
}

/** All that was seen by everybody. */
interface Seen {
  readonly times: number[]
  readonly errors: string[]
  readonly mixed: string[]
  /** Cursors that were followed to their end; those whose rows were published anew before. */
  whole: number
  expired: number
  lists: number
  unchanged: number
  readonly versions: Set<string>
  readonly outcomes: Record<string, number>
}

/** Cursors came to their end, others expired, lists were read, and flows were published while they were. */
const saw = ({ whole, expired, lists, versions, outcomes }: Seen): boolean =>
  whole > 0 && expired > 0 && lists > 0 && versions.size > names.length && (outcomes['succeeded'] ?? 0) > 0

/** What is wrong with rows that have to be one version, all of it, in its order; null: nothing. */
function mixture(items: Page['items'], totals: readonly number[], whole: boolean): string | null {
  const versions = new Set(items.map(({ version }) => version))
  if (versions.size !== 1) return `versions ${[...versions].join(', ')}`
  const [version = 0] = versions
  if (!items.every(({ id }, at) => id === at)) return `version ${version}: rows are missing, twice or in disorder`
  if (totals.some((total) => total !== rowsOf(version))) return `version ${version}: totals ${totals.join(', ')}`
  if (whole && items.length !== rowsOf(version)) return `version ${version}: ${items.length} rows`
  return null
}

async function readPages(name: FlowName, token: string, pauseMs: number, seen: Seen): Promise<void> {
  const items: Page['items'][number][] = []
  const totals: number[] = []
  const ages = new Set<unknown>()
  let cursor: string | null = null
  do {
    const answer = await ask(`/api/data/${name}${cursor === null ? '' : `?cursor=${cursor}`}`, token)
    seen.times.push(answer.ms)
    if (answer.status === 410 && cursor !== null && answer.body.includes('CURSOR_EXPIRED')) {
      seen.expired += 1
      return
    }
    if (answer.status !== 200) return void seen.errors.push(`${name}: ${answer.status} ${answer.body}`)
    const page = JSON.parse(answer.body) as Page
    items.push(...page.items)
    totals.push(page.total)
    ages.add(page.asOf).add(answer.headers['sluice-as-of'])
    const fault =
      mixture(items, totals, page.next === null) ?? (ages.size === 1 ? null : `ages ${[...ages].join(', ')}`)
    if (fault !== null) return void seen.mixed.push(`${name}: ${fault}`)
    cursor = page.next
    if (cursor !== null && pauseMs > 0) await sleep(pauseMs)
  } while (cursor !== null)
  seen.whole += 1
  seen.versions.add(`${name} ${items[0]?.version ?? ''}`)
}

/** The whole list, and whether it is still that: an answer of 304 to the tag of one version never hides another. */
async function readList(name: FlowName, token: string, seen: Seen): Promise<void> {
  const first = await ask(`/api/data/${name}-list`, token)
  const again = await ask(`/api/data/${name}-list`, token, {
    headers: { 'if-none-match': String(first.headers['etag']) },
  })
  seen.times.push(first.ms, again.ms)
  for (const { status, body } of [first, again]) {
    if (status === 304) seen.unchanged += 1
    else if (status !== 200) return void seen.errors.push(`${name}-list: ${status} ${body}`)
    else {
      const fault = mixture(JSON.parse(body) as Page['items'], [], true)
      if (fault !== null) return void seen.mixed.push(`${name}-list: ${fault}`)
      seen.lists += 1
    }
  }
}

/** Asks for a sync as clients do, one after the other, until it is over. What it answers has to be a success, or not yet an end. */
async function trigger(at: number, token: string, over: () => boolean, seen: Seen): Promise<void> {
  for (let turn = at; !over(); turn += 1) {
    const name = names[turn % names.length] ?? 'keyed'
    const asked =
      at % 2 === 0
        ? ask('/api/data-sync/trigger', token, { method: 'POST', body: { data_type: name, force: true } })
        : ask(`/api/flows/${name}/runs`, token, {
            method: 'POST',
            headers: { prefer: 'wait=20' },
            body: { force: true },
          })
    const { status, body } = await asked
    const { outcome, run } = JSON.parse(body) as {
      readonly outcome?: string
      readonly run?: { readonly outcome?: string }
    }
    const ended = String(outcome ?? run?.outcome ?? 'unfinished')
    seen.outcomes[ended] = (seen.outcomes[ended] ?? 0) + 1
    if (![200, 202].includes(status) || !['succeeded', 'skipped', 'unfinished'].includes(ended))
      seen.errors.push(`trigger of ${name}: ${status} ${body}`)
  }
}

/** The limit is on: who asks more than it is told so, and nobody else was. */
async function refusedBeyond(token: string): Promise<boolean> {
  for (let asked = 0; asked <= requestLimit; asked += 50) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask('/api/data/nothing', token)))
    if (answers.some(({ status, body }) => status === 429 && body.includes('RATE_LIMITED'))) return true
  }
  return false
}

/** Resident megabytes of the server; null where the system does not tell. */
async function resident(): Promise<number | null> {
  const path = `/proc/${String(server.process.pid)}/status`
  if (!existsSync(path)) return null
  const found = /VmRSS:\s+(\d+)/.exec(await readFile(path, 'utf8'))?.[1]
  return found === undefined ? null : Math.round(Number(found) / 1024)
}

const percentile = (sorted: readonly number[], share: number): number =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10
const median = (values: readonly number[]): number =>
  percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  )

test(
  `${readers} readers and ${triggers} triggers for ${seconds} s, while syncs publish`,
  async ({ annotate }) => {
    const tokens: string[] = []
    for (let at = 0; at < readers; at += 1) tokens.push(await tokenFor(`reader ${at}`, null))
    const operators: string[] = []
    for (let at = 0; at < triggers; at += 1) operators.push(await tokenFor(`trigger ${at}`, 'operator'))

    const seen: Seen = {
      times: [],
      errors: [],
      mixed: [],
      whole: 0,
      expired: 0,
      lists: 0,
      unchanged: 0,
      versions: new Set(),
      outcomes: {},
    }
    const began = performance.now()
    const over = (): boolean => {
      const past = performance.now() - began
      return past >= seconds * 1_000 && (saw(seen) || past >= seconds * 1_000 + patienceMs)
    }
    const reading = tokens.map(async (token, at) => {
      for (let turn = at; !over(); turn += 1) {
        const name = names[turn % names.length] ?? 'keyed'
        // Some read page after page at once, some as people do, and some all at once.
        if (at % 5 === 4) await readList(name, token, seen)
        else await readPages(name, token, at % 5 === 3 ? 400 : 0, seen)
      }
    })
    const triggering = operators.map((token, at) => trigger(at, token, over, seen))
    const changing = (async () => {
      for (let version = 1; !over(); version += 1) {
        for (const name of names) await write(name, version)
        await sleep(300)
      }
    })()
    const memory: number[] = []
    const watching = (async () => {
      while (!over()) {
        const now = await resident()
        if (now !== null) memory.push(now)
        await sleep(250)
      }
    })()
    await Promise.all([...reading, ...triggering, changing, watching])

    const times = seen.times.toSorted((a, b) => a - b)
    const half = Math.floor(memory.length / 2)
    const [firstHalf, secondHalf] = [median(memory.slice(0, half)), median(memory.slice(half))]
    await annotate(
      JSON.stringify({
        readers,
        triggers,
        seconds,
        requests: times.length,
        errors: seen.errors.length,
        mixed: seen.mixed.length,
        p50Ms: percentile(times, 0.5),
        p99Ms: percentile(times, 0.99),
        cursors: { whole: seen.whole, expired: seen.expired },
        lists: { whole: seen.lists, unchanged: seen.unchanged },
        versions: seen.versions.size,
        triggered: seen.outcomes,
        rssMb: { firstHalf, secondHalf, most: Math.max(0, ...memory) },
      }),
    )
    expect(seen.errors.slice(0, 3)).toEqual([])
    expect(seen.mixed.slice(0, 3)).toEqual([])
    expect(said).not.toContain('"level":50')
    // It was as the title says.
    expect(saw(seen)).toBe(true)
    expect(await refusedBeyond(await tokenFor('greedy', null))).toBe(true)
    if (long !== undefined && memory.length > 0) expect(secondHalf).toBeLessThanOrEqual(firstHalf * 1.15 + 32)
  },
  seconds * 1_000 + patienceMs + 60_000,
)
