import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildProgram } from '../src/cli/program.ts'

const root = join(import.meta.dirname, '..')
const pages = globSync(['*.md', 'docs/**/*.md', 'examples/*/*.md'], { cwd: root }).map((path) => ({
  path,
  text: readFileSync(join(root, path), 'utf8'),
}))

/** Every `sluice …` that a page shows, as words: in a fence, or in a code span. */
function commandsOf(text: string): readonly (readonly string[])[] {
  const lines = [...text.matchAll(/^(?:npx )?sluice (.*)$/gm), ...text.matchAll(/`(?:npx )?sluice ([^`]*)`/g)]
  return lines.map((match) =>
    (match[1] ?? '')
      .replace(/\s+#.*$/, '')
      .trim()
      .split(/\s+/),
  )
}

/** What commander would not understand, or null. */
function faultOf(program: Command, words: readonly string[]): string | null {
  let command = program
  for (const word of words) {
    if (word.startsWith('-')) {
      const known = [...command.options, ...program.options].some(({ long, short }) => word === long || word === short)
      if (!known && word !== '--help') return `${command.name()} has no ${word}`
      continue
    }
    const below = command.commands.find((each) => each.name() === word)
    if (below !== undefined) command = below
    else if (command === program) return `there is no command ${word}`
  }
  return null
}

describe('the pages', () => {
  it('are looked at', () => expect(pages.length).toBeGreaterThan(8))

  it.each(pages)('$path: every link leads to a file', ({ path, text }) => {
    const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map((match) => match[1] ?? '')
    expect(links.filter((link) => !existsSync(join(root, dirname(path), link)))).toEqual([])
  })

  it.each(pages)('$path: every command is one', ({ text }) => {
    const program = buildProgram()
    expect(commandsOf(text).flatMap((words) => faultOf(program, words) ?? [])).toEqual([])
  })

  it('show a command that does not exist, and it is found', () => {
    const program = buildProgram()
    expect(
      commandsOf('`sluice flush --now`\nnpx sluice run a --fast  # quick').map((words) => faultOf(program, words)),
    ).toEqual(['run has no --fast', 'there is no command flush'])
  })
})

describe('the configs', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-docs-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const configs = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/```ts\n([\s\S]*?export default defineConfig[\s\S]*?)```/g)]
      .map((match) => match[1] ?? '')
      .filter((source) => source.startsWith('import') && !source.includes('…'))
      .map((source, n) => ({ path, n, source })),
  )
  it('are looked at', () => expect(configs.length).toBeGreaterThan(1))

  it.each(configs)('$path, $n: passes sluice check', async ({ path, n, source }) => {
    const directory = join(folder, `${path.replaceAll('/', '_')}-${n}`)
    for (const [, name] of source.matchAll(/(?:file\(|csv: )'([^']+)'/g)) {
      await mkdir(dirname(join(directory, name ?? '')), { recursive: true })
      await writeFile(join(directory, name ?? ''), 'select 1 as id\n')
    }
    await mkdir(directory, { recursive: true })
    await writeFile(join(directory, 'package.json'), '{ "name": "shown", "type": "module" }')
    await writeFile(join(directory, 'sluice.config.ts'), source)
    const check = promisify(execFile)(process.execPath, [join(root, 'bin', 'sluice.js'), '-C', directory, 'check'])
    await expect(check).resolves.toMatchObject({ stdout: expect.stringContaining('fine') })
  })
})
