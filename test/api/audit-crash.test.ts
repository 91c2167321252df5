/** A server that dies between a change and its answer leaves the change and its audit row, never the one without the other. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, type Project } from '../support/project.ts'

let project: Project
let secret: string
beforeAll(async () => {
  project = await createProject(`{ things: sync({ from: { csv: 'things.csv' }, to: 'things', key: ['id'] }) }`, {
    top: 'api: { port: 0 },',
  })
  await project.write('things.csv', 'id,name\n1,one\n')
  const created = await project.sluice(['token', 'create', '--name', 'ann', '--role', 'operator', '--json'])
  secret = (JSON.parse(created.stdout) as { readonly secret: string }).secret
})
afterAll(async () => {
  await project[Symbol.asyncDispose]()
})

/** Asks a server of its own, which dies at that place. */
async function askAndDie(failpoint: string, path: string): Promise<void> {
  const running = project.start(['up', '--only', 'api', '--json'], { SLUICE_FAILPOINT: `${failpoint}=kill` })
  let said = ''
  running.process.stdout?.on('data', (text: string) => (said += text))
  await expect.poll(() => said, { timeout: 30_000 }).toContain('\n')
  const { api } = JSON.parse(said.split('\n')[0] ?? '') as { readonly api: { readonly url: string } }
  const headers = { authorization: `Bearer ${secret}`, 'x-request-id': `request-of-${failpoint.replace(':', '-')}` }
  await expect(fetch(new URL(path, api.url), { method: 'POST', headers })).rejects.toThrow('fetch failed')
  expect(await running.ended).toMatchObject({ signal: 'SIGKILL' })
}

const audited = (requestId: string) =>
  project.query('select action, subject, actor_name, before, after from sluice.audit where request_id = $1', [
    requestId,
  ])

test('a run that was asked for', async () => {
  await askAndDie('request:after-commit', '/api/flows/things/runs')
  expect(await project.query("select flow from sluice.run where trigger = 'api'")).toEqual([{ flow: 'things' }])
  expect(await audited('request-of-request-after-commit')).toEqual([
    { action: 'run.request', subject: 'things', actor_name: 'ann', before: null, after: { unfinished: true } },
  ])
}, 60_000)

test('a flow that was paused', async () => {
  await askAndDie('audit:before-complete', '/api/flows/things/pause')
  expect(await project.query('select paused_by from sluice.flow')).toEqual([{ paused_by: 'ann' }])
  expect(await audited('request-of-audit-before-complete')).toEqual([
    { action: 'flow.pause', subject: 'things', actor_name: 'ann', before: null, after: { unfinished: true } },
  ])
}, 60_000)
