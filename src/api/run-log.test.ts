import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApi, type TestApi } from '../../test/support/api.ts'
import { stillMay } from './still.ts'

let api: TestApi
let url: URL
beforeAll(async () => {
  api = await createApi({ worker: true })
  url = new URL(await api.app.listen({ host: '127.0.0.1', port: 0 }))
})
afterAll(() => api[Symbol.asyncDispose]())

interface Line {
  readonly id: number
  readonly message: string
}
interface Event {
  readonly id: string | null
  readonly event: string
  readonly data: Record<string, unknown>
}

async function finished(flow = 'things'): Promise<string> {
  const answer = await api.ask({
    method: 'POST',
    url: `/api/flows/${flow}/runs`,
    headers: { prefer: 'wait=30' },
    payload: { force: true },
  })
  return answer.json<{ run: { id: string } }>().run.id
}

function stream(path: string, headers: Readonly<Record<string, string>> = {}, signal?: AbortSignal): Promise<Response> {
  return fetch(new URL(path, url), {
    headers: { authorization: `Bearer ${api.tokens.viewer}`, accept: 'text/event-stream', ...headers },
    ...(signal === undefined ? {} : { signal }),
  })
}

function parse(text: string): Event[] {
  return text
    .split('\n\n')
    .filter((block) => block.includes('event: '))
    .map((block) => {
      const field = (name: string): string | null => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null
      return { id: field('id'), event: field('event') ?? '', data: JSON.parse(field('data') ?? 'null') }
    })
}

test('pages have every line once, oldest first, and end when the run has', async () => {
  const run = await finished()
  const whole = (await api.ask({ url: `/api/runs/${run}/log?limit=500`, as: 'viewer' })).json<{
    items: Line[]
    next: string | null
    total: number
  }>()
  expect(whole.total).toBeGreaterThan(1)
  expect(whole).toMatchObject({ next: null, total: whole.items.length })
  const paged: Line[] = []
  let cursor: string | null = null
  do {
    const page: typeof whole = (
      await api.ask({ url: `/api/runs/${run}/log?limit=1${cursor === null ? '' : `&cursor=${cursor}`}`, as: 'viewer' })
    ).json()
    paged.push(...page.items)
    cursor = page.next
  } while (cursor !== null)
  expect(paged).toEqual(whole.items)
})

test('a stream has the same lines, then the end of the run, and ends', async () => {
  const run = await finished()
  const lines = (await api.ask({ url: `/api/runs/${run}/log?limit=500`, as: 'viewer' })).json<{ items: Line[] }>().items
  const answer = await stream(`/api/runs/${run}/log`)
  expect(answer.headers.get('content-type')).toContain('text/event-stream')
  const events = parse(await answer.text())
  expect(events.filter(({ event }) => event === 'log').map(({ data }) => data)).toEqual(lines)
  expect(events.at(-1)).toMatchObject({ event: 'finished', data: { id: run, outcome: 'succeeded' } })
  const from = await stream(`/api/runs/${run}/log`, { 'last-event-id': String(lines[0]?.id) })
  const resumed = parse(await from.text())
  expect(resumed.filter(({ event }) => event === 'log').map(({ data }) => data)).toEqual(lines.slice(1))
  expect(resumed.at(-1)).toMatchObject({ event: 'finished' })
})

test('a stream that was opened before its run began sees it to the end', async () => {
  const asked = await api.ask({ method: 'POST', url: '/api/flows/others/runs', payload: { force: true } })
  const run = asked.json<{ run: { id: string } }>().run.id
  const events = parse(await (await stream(`/api/runs/${run}/log`)).text())
  expect(events.some(({ event }) => event === 'log')).toBe(true)
  expect(events.at(-1)).toMatchObject({ event: 'finished', data: { id: run, outcome: 'succeeded' } })
})

test('a stream needs who reads it, as everything does', async () => {
  const run = await finished()
  for (const authorization of ['', 'Bearer slc_nobody', `Bearer ${api.tokens.none}`]) {
    const answer = await stream(`/api/runs/${run}/log`, { authorization })
    expect(answer.status).toBe(authorization.endsWith(api.tokens.none) ? 403 : 401)
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    await answer.body?.cancel()
  }
})

test('an id of an event that was never sent is refused', async () => {
  const run = await finished()
  const answer = await stream(`/api/runs/${run}/log`, { 'last-event-id': "1'; drop" })
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ code: 'REQUEST_INVALID', why: expect.stringContaining('last-event-id') })
  expect((await stream('/api/runs/00000000-aaaa/log')).status).toBe(404)
})

test('changes arrive as they happen, whoever makes them; hello comes first', async () => {
  const gone = new AbortController()
  const answer = await stream('/api/events', {}, gone.signal)
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const until = async (holds: (events: Event[]) => boolean): Promise<void> => {
    while (!holds(parse(text))) {
      const read = await Promise.race([reader?.read(), sleep(15_000)])
      if (read === undefined || read.done) throw new Error(`no such event in ${text}`)
      text += read.value
    }
  }
  await until((events) => events[0]?.event === 'hello')
  const run = await finished()
  await until((events) => events.some(({ event, data }) => event === 'run' && data['run'] === run))
  await api.ask({ method: 'POST', url: '/api/flows/others/pause', payload: { reason: 'a look' } })
  await until((events) => events.some(({ event, data }) => event === 'flow' && data['flow'] === 'others'))
  await api.ask({ method: 'POST', url: '/api/flows/others/resume' })
  gone.abort()
})

test('the console reads streams with its cookie; signed out, it may no more', async () => {
  const signed = await api.app.inject({ method: 'POST', url: '/api/session', payload: { token: api.tokens.viewer } })
  const [cookie] = [signed.headers['set-cookie']].flat().map((one) => String(one).split(';')[0] ?? '')
  expect(signed.statusCode).toBe(201)
  const run = await finished()
  const headers = { accept: 'text/event-stream', cookie: cookie ?? '' }
  const answer = await fetch(new URL(`/api/runs/${run}/log`, url), { headers })
  expect(parse(await answer.text()).at(-1)).toMatchObject({ event: 'finished' })

  const [name = '', value = ''] = (cookie ?? '').split('=')
  // As much of a request as is looked at.
  const request = { headers: {}, cookies: { [name]: value }, server: api.app, protocol: 'http' }
  const may = stillMay(request as unknown as Parameters<typeof stillMay>[0], api.sluice.access, 'viewer')
  const mayRun = stillMay(request as unknown as Parameters<typeof stillMay>[0], api.sluice.access, 'operator')
  expect([await may(), await mayRun()]).toEqual([true, false])
  await api.app.inject({ method: 'DELETE', url: '/api/session', headers: { cookie: cookie ?? '' } })
  expect(await may()).toBe(false)
})
