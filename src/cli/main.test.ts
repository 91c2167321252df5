import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ended, sluice, write } from '../../test/support/cli.ts'
import { codes } from '../lib/codes.ts'

let root: string
let folders = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-cli-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

async function folder(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const path = join(root, `project-${folders++}`)
  await write(path, { '.keep': '', ...files })
  return path
}

const config = (body: string): Readonly<Record<string, string>> => ({
  'sluice.config.mts': `import { defineConfig, env, file, secret, sync } from 'sluice'\nexport default defineConfig(${body})\n`,
})

/** What an error looks like to a person, and to a machine; never a stack. */
async function refused(directory: string, argv: readonly string[], code: keyof typeof codes): Promise<Ended> {
  const shown = await sluice(directory, argv)
  expect(shown).toMatchObject({ code: codes[code].exit, stdout: '' })
  expect(shown.stderr).toMatch(new RegExp(`^${code}: .+\\n {2}why: .+\\n(.*\\n)* {2}fix: .+`))
  expect(shown.stderr).not.toMatch(/^ {4}at /m)
  const json = await sluice(directory, [...argv, '--json'])
  expect(json).toMatchObject({ code: codes[code].exit, stderr: '' })
  expect(JSON.parse(json.stdout)).toMatchObject({
    error: {
      code,
      summary: expect.any(String),
      why: expect.any(String),
      fix: expect.any(String),
      where: expect.any(Object),
    },
  })
  return shown
}

describe('usage', () => {
  test('help goes to stdout, every command has two examples', async () => {
    const directory = await folder()
    const help = await sluice(directory, ['--help'])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    const commands = [...help.stdout.matchAll(/^ {2}([a-z]+) .*$/gm)]
      .map((match) => match[1] ?? '')
      .filter((name) => name !== 'help')
    expect(commands).toEqual(
      'init up run backfill status verify runs logs pause resume cancel schedule token ddl check doctor version completion'.split(
        ' ',
      ),
    )
    await Promise.all(
      commands.map(async (name) => {
        const { code, stdout } = await sluice(directory, [name, '--help'])
        expect(code).toBe(0)
        expect(stdout.match(/^ {2}\$ .*sluice /gm), name).toHaveLength(2)
      }),
    )
  })

  test('a command or option that is none', async () => {
    const directory = await folder()
    expect((await refused(directory, ['rnu'], 'USAGE')).stderr).toContain('did you mean run?')
    expect((await refused(directory, ['run', '--forse'], 'USAGE')).stderr).toContain('did you mean --force?')
    await refused(directory, ['run'], 'USAGE')
    await refused(directory, ['logs'], 'USAGE')
    await refused(directory, ['runs', '--limit', 'x'], 'USAGE')
    await refused(directory, ['up', '--only', 'everything'], 'USAGE')
    expect((await sluice(directory, [])).code).toBe(2)
  })

  test('the version, for people and machines', async () => {
    const directory = await folder()
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    } // our own
    expect((await sluice(directory, ['--version'])).stdout).toBe(`${version}\n`)
    expect(JSON.parse((await sluice(directory, ['version', '--json'])).stdout)).toMatchObject({ sluice: version })
  })
})

describe('config', () => {
  test('none', async () => {
    const { stderr } = await refused(await folder(), ['check'], 'CONFIG_NOT_FOUND')
    expect(stderr).toContain('sluice init')
  })

  test('a typo, with its line', async () => {
    const directory = await folder(
      config("{ flows: { a: sync({\n from: { query: 'select 1' }, to: 'a',\n evry: '2h' }) } }"),
    )
    const { stderr } = await refused(directory, ['status'], 'CONFIG_INVALID')
    expect(stderr).toContain('flows.a.evry: unknown key; did you mean "every"? (sluice.config.mts:4)')
  })

  test('a file that cannot be read as TypeScript', async () => {
    await refused(await folder({ 'sluice.config.mts': 'export default {' }), ['check'], 'CONFIG_FAILED')
  })

  test('a stack only when it is asked for', async () => {
    const directory = await folder({ 'sluice.config.mts': 'null.x\nexport default {}' })
    expect((await refused(directory, ['check'], 'CONFIG_FAILED')).stderr).toContain('sluice.config.mts:1')
    expect((await sluice(directory, ['check', '--trace'])).stderr).toMatch(/^ {4}at /m)
  })

  test('check says what is missing: a warning for what may be set elsewhere, a problem for a file', async () => {
    const directory = await folder({
      ...config("{ database: env('NOWHERE_SET'), flows: { a: sync({ from: { csv: 'a.csv' }, to: 'a' }) } }"),
      'a.csv': 'id\n1\n',
    })
    const fine = await sluice(directory, ['check', '--json'])
    expect(fine.code).toBe(0)
    expect(JSON.parse(fine.stdout)).toMatchObject({
      findings: [
        { severity: 'fine', about: 'a' },
        { severity: 'warning', about: 'database', says: expect.stringContaining('NOWHERE_SET') as string },
      ],
    })
    expect((await sluice(directory, ['check', '--strict'])).code).toBe(3)
    await rm(join(directory, 'a.csv'))
    expect((await sluice(directory, ['check'])).code).toBe(3)
  })

  test('an unset variable is named by the first command that needs it', async () => {
    const directory = await folder(config("{ database: env('NOWHERE_SET'), flows: {} }"))
    const { stderr } = await refused(directory, ['status'], 'VARIABLE_UNSET')
    expect(stderr).toContain('NOWHERE_SET')
  })

  test('--config and --directory, from elsewhere', async () => {
    const directory = await folder(config("{ flows: { a: sync({ from: { query: 'select 1' }, to: 'a' }) } }"))
    const elsewhere = await folder()
    expect((await sluice(elsewhere, ['-C', directory, 'check'])).code).toBe(0)
    expect((await sluice(elsewhere, ['--config', join(directory, 'sluice.config.mts'), 'check'])).code).toBe(0)
  })
})

describe('init', () => {
  test('writes what runs, in the dialect of the package, and overwrites nothing', async () => {
    for (const [type, name] of [
      ['{"name":"x","type":"commonjs"}', 'sluice.config.mts'],
      ['{"name":"x","type":"module"}', 'sluice.config.ts'],
      [null, 'sluice.config.mts'],
    ] as const) {
      const directory = await folder({
        ...(type === null ? {} : { 'package.json': type }),
        '.gitignore': 'node_modules',
      })
      const made = await sluice(directory, ['init', '--json'])
      expect(made.code).toBe(0)
      expect(JSON.parse(made.stdout)).toMatchObject({
        created: [name, '.env.example', 'sample/cities.csv', '.gitignore'],
        kept: [],
      })
      expect(await readFile(join(directory, '.gitignore'), 'utf8')).toBe('node_modules\n.sluice/\n.env\n')
      expect(await sluice(directory, ['check'])).toMatchObject({ code: 0 })
      await write(directory, { '.env.example': 'mine' })
      const again = await sluice(directory, ['init', '--json', '--yes'])
      expect(JSON.parse(again.stdout)).toMatchObject({ created: [], kept: [name, '.env.example', '.gitignore'] })
      expect(await readFile(join(directory, '.env.example'), 'utf8')).toBe('mine')
    }
  })

  test('names the variable of a database, never its address', async () => {
    const directory = await folder()
    expect((await sluice(directory, ['init', '--yes', '--database', 'APP_DB'])).code).toBe(0)
    expect(await readFile(join(directory, 'sluice.config.mts'), 'utf8')).toContain("database: env('APP_DB')")
    expect((await sluice(directory, ['check', '--json'], { env: { APP_DB: 'postgres://x' } })).stdout).not.toContain(
      'warning',
    )
    const other = await folder()
    expect((await sluice(other, ['init', '--database', 'postgres://u:p@h/d'])).code).toBe(2)
  })
})

describe('schedule install', () => {
  const scheduled = config(
    "{ project: 'p', flows: { a: sync({ from: { query: 'select 1' }, to: 'a', every: '15m' }) } }",
  )

  /** A `crontab` that keeps its table in a file, as the real one answers. */
  async function withCrontab(
    before: string | null,
  ): Promise<{ bin: string; table: string; env: Record<string, string> }> {
    const bin = await folder({
      crontab: `#!/bin/sh
case "$1" in
  -l) if [ -f "$CRONTAB_FILE" ]; then cat "$CRONTAB_FILE"; else echo "no crontab for me" >&2; exit 1; fi ;;
  -) cat > "$CRONTAB_FILE" ;;
  *) exit 64 ;;
esac
`,
    })
    await chmod(join(bin, 'crontab'), 0o755)
    const table = join(bin, 'table')
    if (before !== null) await write(bin, { table: before })
    return { bin, table, env: { PATH: `${bin}:${process.env['PATH']}`, CRONTAB_FILE: table } }
  }

  test('adds, updates and removes its own lines and no others', async () => {
    const directory = await folder(scheduled)
    const { table, env } = await withCrontab('MAILTO=me\n0 5 * * * backup\n')
    const dry = await sluice(directory, ['schedule', 'install', 'cron', '--dry-run'], { env })
    expect(dry.code).toBe(0)
    expect(await readFile(table, 'utf8')).toBe('MAILTO=me\n0 5 * * * backup\n')
    const first = await sluice(directory, ['schedule', 'install', 'cron', '--json'], { env })
    expect(JSON.parse(first.stdout)).toMatchObject({ changed: true, installed: true })
    const installed = await readFile(table, 'utf8')
    expect(installed).toMatch(
      /^MAILTO=me\n0 5 \* \* \* backup\n# sluice begin p\n\*\/15 \* \* \* \* cd .+ up --due --quiet >> .+\n# sluice end p\n$/,
    )
    const again = await sluice(directory, ['schedule', 'install', 'cron', '--json'], { env })
    expect(JSON.parse(again.stdout)).toMatchObject({ changed: false })
    await write(
      directory,
      config("{ project: 'p', flows: { a: sync({ from: { query: 'select 1' }, to: 'a', every: '1h' }) } }"),
    )
    await sluice(directory, ['schedule', 'install', 'cron'], { env })
    expect(await readFile(table, 'utf8')).toMatch(/# sluice begin p\n0 \* \* \* \* cd /)
    expect((await sluice(directory, ['schedule', 'install', 'cron', '--remove'], { env })).code).toBe(0)
    expect(await readFile(table, 'utf8')).toBe('MAILTO=me\n0 5 * * * backup\n')
  })

  test('a user without a crontab gets one; --print touches nothing', async () => {
    const directory = await folder(scheduled)
    const { table, env } = await withCrontab(null)
    const printed = await sluice(directory, ['schedule', 'install', 'cron', '--print'], { env })
    expect(printed.stdout).toContain('# sluice begin p')
    await expect(readFile(table)).rejects.toThrow('ENOENT')
    await sluice(directory, ['schedule', 'install', 'cron'], { env })
    expect(await readFile(table, 'utf8')).toBe(printed.stdout)
  })

  test('no crontab on the machine', async () => {
    const directory = await folder(scheduled)
    const without = await sluice(directory, ['schedule', 'install', 'cron'], { env: { PATH: await folder() } })
    expect(without).toMatchObject({ code: 1, stdout: '' })
    expect(without.stderr).toMatch(/^COMMAND_FAILED: .+\n {2}why: there is no program `crontab`/)
  })

  test('a systemd service of the user, and no file of anybody else', async () => {
    const directory = await folder(scheduled)
    const home = await folder()
    const env = { XDG_CONFIG_HOME: home }
    const path = join(home, 'systemd', 'user', 'sluice-p.service')
    expect((await sluice(directory, ['schedule', 'install', 'systemd'], { env })).code).toBe(0)
    expect(await readFile(path, 'utf8')).toContain(`WorkingDirectory=${directory}\n`)
    expect((await sluice(directory, ['schedule', 'install', 'systemd', '--remove'], { env })).code).toBe(0)
    await expect(readFile(path)).rejects.toThrow('ENOENT')
    await write(home, { 'systemd/user/sluice-p.service': '[Unit]\n' })
    expect((await sluice(directory, ['schedule', 'install', 'systemd'], { env })).code).toBe(2)
    expect(await readFile(path, 'utf8')).toBe('[Unit]\n')
  })

  test('nothing to schedule', async () => {
    await refused(await folder(config('{ flows: {} }')), ['schedule', 'install', 'cron', '--print'], 'USAGE')
  })
})

describe('completion', () => {
  test('scripts for four shells, names of flows', async () => {
    const directory = await folder(
      config("{ flows: { teacher_data: sync({ from: { query: 'select 1' }, to: 'a' }) } }"),
    )
    for (const shell of ['bash', 'zsh', 'fish', 'powershell'])
      expect(await sluice(directory, ['completion', shell])).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('sluice') as string,
      })
    expect((await sluice(directory, ['complete', '--', 'run', ''])).stdout).toContain('teacher_data')
    expect((await sluice(directory, ['complete', '--', 'ver'])).stdout).toContain('verify')
  })
})

describe('the launcher', () => {
  test('a Node that is too old says what to do', async () => {
    const lonely = await folder()
    const launcher = await readFile(new URL('../../bin/sluice.js', import.meta.url), 'utf8')
    // The same file where no other Node is near, believing that this one is old.
    await write(lonely, {
      'package.json': '{"type":"module"}',
      'bin/sluice.js': launcher.replaceAll('process.versions.node', "'20.1.0'"),
    })
    const options = { launcher: join(lonely, 'bin', 'sluice.js') }
    const shown = await sluice(lonely, ['status'], options)
    expect(shown).toMatchObject({ code: 2, stdout: '' })
    expect(shown.stderr).toMatch(/^NODE_TOO_OLD: .+20\.1\.0\n {2}why: .+\n {2}fix: .+\n$/)
    const json = await sluice(lonely, ['status', '--json'], options)
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'NODE_TOO_OLD' } })
  })

  test('an old Node runs it again with the one that npm installed, which gets its signals and gives its exit', async () => {
    const project = await folder()
    const launcher = await readFile(new URL('../../bin/sluice.js', import.meta.url), 'utf8')
    await write(project, {
      'package.json': '{"type":"module"}',
      'bin/sluice.js': launcher.replaceAll('process.versions.node', "'20.1.0'"),
      'node_modules/.bin/node': `#!/bin/sh
if [ "$1" = --version ]; then echo v26.1.0; exit 0; fi
trap 'echo got it; exit 3' TERM
echo "again $2 $3"
while :; do sleep 0.05; done
`,
    })
    await chmod(join(project, 'node_modules/.bin/node'), 0o755)
    const ended = await sluice(project, ['status', '--json'], {
      launcher: join(project, 'bin', 'sluice.js'),
      started(child) {
        child.stdout?.once('data', () => child.kill('SIGTERM'))
      },
    })
    expect(ended).toMatchObject({ code: 3, stdout: 'again status --json\ngot it\n' })
  })

  test('what is compiled is kept in the cache of the user; where there can be none, it runs as well', async () => {
    const [project, cache] = [await folder(), await folder()]
    const first = await sluice(project, ['--version'], { env: { XDG_CACHE_HOME: cache } })
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(await readdir(join(cache, 'sluice', 'compiled'))).not.toEqual([])
    // A file stands where the folder would be.
    await write(project, { file: '' })
    const none = await sluice(project, ['--version'], { env: { XDG_CACHE_HOME: join(project, 'file') } })
    expect(none).toEqual(first)
  })
})
