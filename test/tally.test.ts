import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
let folder: string

/** Runs vitest, with the reporter, on these files; what it printed and how it ended. */
async function close(
  files: Readonly<Record<string, string>>,
): Promise<{ readonly last: string; readonly code: number }> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const reporter = join(root, 'test', 'support', 'tally.ts')
  const args = ['run', '--root', folder, '--reporter', reporter, ...Object.keys(files)]
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|CI$)/.test(name)))
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(root, 'node_modules', 'vitest', 'vitest.mjs'), ...args],
      { cwd: folder, env },
      (error, stdout) => {
        resolve({ last: stdout.trimEnd().split('\n').at(-1) ?? '', code: error === null ? 0 : Number(error.code) })
      },
    )
  })
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-tally-'))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir')
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const head = "import { describe, expect, it } from 'vitest'\n"

it('counts what passed, failed and was skipped', async () => {
  const text = `${head}it('a', () => {})\nit.each([1, 2])('b', () => {})\nit('c', () => expect(1).toBe(2))\nit.skip('d', () => {})\nit.todo('e')\n`
  expect(await close({ 'mixed.test.ts': text })).toEqual({ last: '3 passed, 1 failed, 2 skipped', code: 1 })
})

it('ends with zero failures only if the run does', async () => {
  expect(await close({ 'good.test.ts': `${head}it('a', () => {})\n` })).toEqual({
    last: '1 passed, 0 failed, 0 skipped',
    code: 0,
  })
})

it('counts a file that does not load, a hook that fails and an error that nobody caught', async () => {
  const loads = `${head}throw new Error('on loading')\n`
  const hook = `${head}import { afterAll } from 'vitest'\ndescribe('s', () => { afterAll(() => { throw new Error('after') }); it('a', () => {}) })\n`
  const stray = `${head}it('a', async () => { setTimeout(() => { throw new Error('stray') }, 1); await new Promise((r) => setTimeout(r, 50)) })\n`
  expect(await close({ 'loads.test.ts': loads })).toEqual({ last: '0 passed, 1 failed, 0 skipped', code: 1 })
  expect(await close({ 'hook.test.ts': hook })).toEqual({ last: '1 passed, 1 failed, 0 skipped', code: 1 })
  expect(await close({ 'stray.test.ts': stray })).toEqual({ last: '1 passed, 1 failed, 0 skipped', code: 1 })
})
