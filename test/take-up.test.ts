import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createProject } from './support/project.ts'
test('a killed command goes on in the next one', async () => {
  await using project = await createProject(
    `{ big: sync({ from: { query: 'select range as id, md5(range::text) as t from range(3000000)' }, to: 'big', key: ['id'] }), small: sync({ from: { query: 'select 1 as id' }, to: 'small' }) }`,
  )
  const env = { SLUICE_LEASE_MS: '2000' }
  const first = project.start(['run', 'big', '--force'], env)
  await new Promise<void>((resolve) => {
    first.process.stderr?.on('data', (text: string) => {
      if (/read|load/.test(text)) resolve()
    })
  })
  first.process.kill('SIGKILL')
  await first.ended
  await sleep(2500)
  expect((await project.sluice(['runs'], env)).stdout).toContain('interrupted, waits for a worker')
  const next = await project.sluice(['run', 'small'], env)
  expect(next).toMatchObject({ code: 0 })
  expect(next.stderr).toMatch(/small: warn: took up run \S+ of big, interrupted at/)
  expect(await project.query('select count(*)::int as n from big')).toEqual([{ n: 3000000 }])
}, 60000)
