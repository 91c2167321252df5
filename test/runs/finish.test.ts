/** What a command leaves behind when its run does not come to its end here. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSluice, type OpenOptions, type Sluice } from '../../src/sluice.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'

let made: TestDatabase
let directory: string
const rejections: unknown[] = []
const note = (reason: unknown): void => void rejections.push(reason)

beforeAll(async () => {
  made = await createDatabase()
  directory = await mkdtemp(join(tmpdir(), 'sluice-finish-'))
  process.on('unhandledRejection', note)
})
afterAll(async () => {
  process.off('unhandledRejection', note)
  await made[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const open = (options: OpenOptions = {}): Promise<Sluice> =>
  openSluice({
    directory,
    config: {
      project: 'finish',
      database: made.url,
      flows: {
        slow: {
          kind: 'sync',
          from: { query: 'select r.range as id, md5(r.range::text) as t from range(400000000) r' },
          to: 'slow',
        },
      },
    },
    ...options,
  })

test('told to stop, a call ends with its run unfinished, and follows it no longer', async () => {
  const stop = new AbortController()
  const sluice = await open({
    onEvent: (_, event) => {
      if (event.tag === 'progress') stop.abort()
    },
  })
  const [run] = await sluice.run(['slow'], { signal: stop.signal })
  expect(run).toMatchObject({ outcome: null, attempts: [{ outcome: 'interrupted' }] })
  await sluice.engine.cancel(run?.id ?? '', 'a test', null)
  await sluice.close()
  expect(rejections).toEqual([])
})

test('a listener that throws is the failure of its call, and of nothing else', async () => {
  const stop = new AbortController()
  const sluice = await open({
    onEvent: (_, event) => {
      if (event.tag !== 'progress') return
      setTimeout(() => stop.abort(), 500)
      throw new Error('the listener is broken')
    },
  })
  await expect(sluice.run(['slow'], { signal: stop.signal })).rejects.toThrow('the listener is broken')
  await sluice.engine.cancel('last', 'a test', null).catch(() => {})
  await sluice.close()
  expect(rejections).toEqual([])
})
