/** `sluice up` as a process: where the API is, the link that signs in, roles that are split, a stop that lets answers end. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, type Project, type Running } from './support/project.ts'

let project: Project
beforeAll(async () => {
  project = await createProject(`{ things: sync({ from: { csv: 'things.csv' }, to: 'things', key: ['id'] }) }`, {
    top: 'api: { port: 0 },',
  })
  await project.write('things.csv', 'id,name\n1,one\n2,two\n')
})
afterAll(async () => {
  await project[Symbol.asyncDispose]()
})

/** What it prints on stdout, up to the line that fits. It may go on printing. */
async function printed(running: Running, fits: RegExp): Promise<string> {
  let said = ''
  const fitting = new Promise<string>((resolve) => {
    running.process.stdout?.on('data', (text: string) => {
      said += text
      if (fits.test(said)) resolve(said)
    })
  })
  const failing = running.ended.then(({ code, stderr }) => {
    throw new Error(`it ended with ${code}: ${said}\n${stderr}`)
  })
  failing.catch(() => {})
  return await Promise.race([fitting, failing])
}

interface Up {
  readonly running: Running
  readonly url: URL
  readonly signIn: string | null
}

async function up(...args: readonly string[]): Promise<Up> {
  const running = project.start(['up', '--json', ...args])
  const [line = ''] = (await printed(running, /\n/)).split('\n')
  const { api } = JSON.parse(line) as { readonly api: { readonly url: string; readonly signIn: string | null } }
  return { running, url: new URL(api.url), signIn: api.signIn }
}

async function stop({ running }: Up): Promise<{ readonly code: number | null; readonly stderr: string }> {
  running.process.kill('SIGTERM')
  return await running.ended
}

/** Follows the link as the page of the console does; the headers of whoever is signed in. */
async function enter({ url, signIn }: Up): Promise<Readonly<Record<string, string>>> {
  const code = new URL(signIn ?? 'about:blank').searchParams.get('code')
  const answer = await fetch(new URL('/api/session', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code }),
  })
  expect(answer.status).toBe(201)
  const { csrf } = (await answer.json()) as { readonly csrf: string }
  const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';')
  return { cookie, 'x-csrf-token': csrf, 'content-type': 'application/json' }
}

test('whoever starts the first one signs in by its link, runs a flow and sees it', async () => {
  const one = await up()
  try {
    expect(one.url.hostname).toBe('127.0.0.1')
    expect(one.signIn).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/sign-in\?code=\S{30,}$/)
    const headers = await enter(one)
    const run = await fetch(new URL('/api/flows/things/runs', one.url), {
      method: 'POST',
      headers: { ...headers, prefer: 'wait=30' },
      body: '{}',
    })
    expect(run.status).toBe(200)
    expect(await run.json()).toMatchObject({
      run: { outcome: 'succeeded', rows: 2, requestedBy: expect.stringMatching(/\S/) as string },
    })
    await expect.poll(async () => (await fetch(new URL('/readyz', one.url))).status, { timeout: 20_000 }).toBe(200)
  } finally {
    const ended = await stop(one)
    expect(ended.code).toBe(0)
    expect(ended.stderr).not.toContain('code=')
  }
}, 60_000)

test('later ones print no link where nobody looks: a log is read by many', async () => {
  const one = await up('--only', 'api')
  expect(one.signIn).toBeNull()
  const ready = (await (await fetch(new URL('/readyz', one.url))).json()) as {
    readonly missing: readonly { what: string }[]
  }
  // Only what it was asked to be.
  expect(ready.missing.map(({ what }) => what)).toEqual(['scheduler', 'worker'])
  expect((await stop(one)).code).toBe(0)
}, 60_000)

test('without the role there is no API', async () => {
  const running = project.start(['up', '--only', 'worker'])
  let said = ''
  running.process.stderr?.on('data', (text: string) => (said += text))
  await expect.poll(() => said, { timeout: 30_000 }).toContain('worker of project: up')
  running.process.kill('SIGTERM')
  const ended = await running.ended
  expect(ended).toMatchObject({ code: 0, stdout: '' })
}, 60_000)

test('a stop lets an answer that is under way end, ends streams, and takes no more', async () => {
  const created = await project.sluice(['token', 'create', '--name', 'stopper', '--role', 'operator', '--json'])
  const { secret } = JSON.parse(created.stdout) as { readonly secret: string }
  const one = await up()
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
  const events = await fetch(new URL('/api/events', one.url), { headers })
  expect(events.status).toBe(200)
  await project.write('things.csv', 'id,name\n1,one\n2,two\n3,three\n')
  const answer = fetch(new URL('/api/flows/things/runs', one.url), {
    method: 'POST',
    headers: { ...headers, prefer: 'wait=30' },
    body: JSON.stringify({ force: true }),
  })
  await sleep(100)
  one.running.process.kill('SIGTERM')
  const answered = await answer
  // Done in time, or handed on: never cut off.
  expect([200, 202]).toContain(answered.status)
  expect(await answered.json()).toMatchObject({ run: { flow: 'things' } })
  let read = ''
  for await (const part of events.body ?? []) read += Buffer.from(part as Uint8Array).toString()
  expect(read).toContain('event: ')
  const { code } = await one.running.ended
  expect(code).toBe(0)
  await expect(fetch(new URL('/healthz', one.url))).rejects.toThrow()
}, 60_000)

test('a port that is named and taken is an error, before anything is worked at', async () => {
  const first = await up('--only', 'api')
  try {
    const other = await createProject('{}', { top: `api: { port: ${first.url.port} },` })
    try {
      const ended = await other.sluice(['up'])
      expect(ended.code).toBe(2)
      expect(ended.stderr).toContain('PORT_TAKEN')
      expect(ended.stderr).toContain('api.port')
    } finally {
      await other[Symbol.asyncDispose]()
    }
  } finally {
    first.running.process.kill('SIGTERM')
    await once(first.running.process, 'close')
  }
}, 60_000)
