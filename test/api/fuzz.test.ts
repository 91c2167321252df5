/**
 * Every operation of the OpenAPI document, asked by an admin with whatever: no answer is a 5xx, hangs, shows a stack or a statement, or
 * is other than the document says. SLUICE_FUZZ_RUNS=1000 is the long run (requests an operation; default 30, at most half a second each).
 */
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import type { LightMyRequestResponse } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createApi, type TestApi } from '../support/api.ts'
import { statements } from './arbitrary.ts'
import { type Document, documentOf, type Operation, operationsOf, type Schema } from './operations.ts'
import { anyRequest, type Known } from './request.ts'

const runs = Number(process.env['SLUICE_FUZZ_RUNS'] ?? 30)
const long = process.env['SLUICE_FUZZ_RUNS'] !== undefined
/** Nothing that is asked for here takes long; whatever waits for something has to say so in time. */
const patience = 25_000

let api: TestApi
let document: Document
let known: Known
beforeAll(async () => {
  api = await createApi({ worker: true, settings: { rateLimit: { requests: null, failures: 1e9, signIns: 1e9 } } })
  document = await documentOf(api)
  const [run] = await api.sluice.run(['things'])
  known = { flow: 'things', run: run?.id ?? '', endpoint: 'things' }
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

test(
  'whatever is sent, the answer is one of the documented ones',
  async ({ annotate }) => {
    const statuses = new Map<number, number>()
    const wrong: string[] = []
    for (const operation of operationsOf(document)) {
      const property = fc.asyncProperty(anyRequest(document, operation, known), async (request) => {
        const answer = await within(patience, operation.streams ? begin(request) : api.ask(request))
        statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1)
        judge(operation, answer)
      })
      const limit = fc.interruptAfterTimeLimit(long ? 3_600_000 : 500)
      const first = await fc.check(property, { numRuns: runs, plugins: [limit], endOnFailure: !long })
      // The time was up before the first answer.
      const found = first.numRuns > 0 ? first : await fc.check(property, { numRuns: 1 })
      if (found.failed)
        wrong.push(`${operation.id}: ${shortened(found.errorInstance)}\n  ${shortened(found.counterexample)}`)
    }
    await annotate(JSON.stringify(Object.fromEntries([...statuses].toSorted(([a], [b]) => a - b))))
    expect(wrong.join('\n\n')).toBe('')
    // It got past the schemas, too.
    expect(statuses.get(200)).toBeGreaterThan(100)
    // Nothing of what was sent was taken for a statement.
    expect(await api.project.query('select id::int, name from things order by id')).toHaveLength(3)
    expect(await api.project.query("select from sluice.token where role = 'admin'")).not.toHaveLength(0)
  },
  long ? 36_000_000 : 120_000,
)

function shortened(value: unknown): string {
  const text = value instanceof Error ? value.message : JSON.stringify(value)
  return text.length > 700 ? `${text.slice(0, 700)} …` : text
}

type Answer = Pick<LightMyRequestResponse, 'statusCode' | 'headers' | 'body'>
type Request = Parameters<TestApi['ask']>[0]

/** What it answers; of a stream of events, which has no end, the head. */
async function begin(request: Request): Promise<Answer> {
  const answer = await api.ask({ ...request, payloadAsStream: true })
  const stream = answer.stream()
  if (isEvents(answer)) {
    stream.destroy()
    return { statusCode: answer.statusCode, headers: answer.headers, body: '' }
  }
  return { statusCode: answer.statusCode, headers: answer.headers, body: await text(stream) }
}

const isEvents = ({ headers }: Pick<Answer, 'headers'>): boolean =>
  String(headers['content-type'] ?? '').startsWith('text/event-stream')

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** What the log says of a failure, which the answer keeps to itself. */
function logged(problem: string): string {
  const { requestId = '' } = JSON.parse(problem) as { readonly requestId?: string } // an object, whatever it is
  const lines = api.log().split('\n')
  return lines.filter((line) => line.includes(requestId) && line.includes('"err"')).join('\n') || problem
}

const readers = new Map<string, z.ZodType>()

function judge(operation: Operation, answer: Answer): void {
  const { statusCode: status } = answer
  const [type = ''] = String(answer.headers['content-type'] ?? '').split(';')
  const said = answer.body
  expect(status, status >= 500 ? logged(said) : said).toBeLessThan(500)
  expect(Object.keys(operation.answers), `${status}: ${said.slice(0, 300)}`).toContain(String(status))
  const types = operation.answers[String(status)] ?? {}
  if (said === '') return
  const schema = types[type]
  expect(Object.keys(types), said.slice(0, 300)).toContain(type)
  if (type.endsWith('json') && schema !== null && schema !== undefined) {
    const read = readerOf(`${operation.id} ${status} ${type}`, schema).safeParse(JSON.parse(said))
    expect(read.error?.issues ?? [], said.slice(0, 500)).toEqual([])
  }
  if (status >= 400) telltale(said)
}

function readerOf(name: string, schema: Schema): z.ZodType {
  const made = readers.get(name)
  if (made !== undefined) return made
  const local = JSON.parse(
    JSON.stringify({ ...schema, $defs: document.components.schemas }).replaceAll('#/components/schemas/', '#/$defs/'),
  ) as Parameters<typeof z.fromJSONSchema>[0] // a JSON schema
  const reader = z.fromJSONSchema(local)
  readers.set(name, reader)
  return reader
}

/** What an error must not show: a stack, a path of this machine, a statement but those that were sent, words of PostgreSQL. */
function telltale(said: string): void {
  let left = said
  for (const statement of statements) left = left.replaceAll(JSON.stringify(statement).slice(1, -1), '')
  expect(left).not.toMatch(/\n?\s+at .+:\d+:\d+/)
  expect(left).not.toMatch(/node_modules|\/src\/|file:\/\//)
  expect(left).not.toMatch(/\b(select|insert|update|delete)\b[^.]*\b(from|into|set|where)\b/i)
  expect(left).not.toMatch(/"sluice"\.|syntax error|relation "|column "|SQLSTATE/)
}
