import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cancel, intro, isCancel, outro, select, text } from '@clack/prompts'
import { Command } from 'commander'
import { configNames } from '../../config/load.ts'
import { SluiceError } from '../../lib/error.ts'
import { act, type ExitCode, type Invocation } from '../invocation.ts'
import { type Answers, filesOf, ignored } from '../project.ts'

interface InitOptions {
  readonly yes?: boolean
  readonly database?: string
}

export function initCommand(): Command {
  return new Command('init')
    .description('write a config that runs, with a small source to try it on')
    .option('-y, --yes', 'ask nothing')
    .option('--database <variable>', "the environment variable of your PostgreSQL's address; default: embedded")
    .addHelpText(
      'after',
      `
Nothing that exists is overwritten.

Examples:
  $ sluice init
  $ sluice init --yes --database DATABASE_URL`,
    )
    .action(act(init))
}

async function init({ out, directory }: Invocation, options: InitOptions): Promise<ExitCode> {
  const variable = options.database ?? null
  if (variable !== null && !/^[A-Za-z_]\w*$/.test(variable)) {
    throw new SluiceError('USAGE', `"${variable}" is no name of an environment variable`, {
      why: '--database takes the name of a variable, so that the address stays out of the config',
      fix: 'use --database DATABASE_URL, and set DATABASE_URL in .env',
    })
  }
  const asks = options.yes !== true && out.interactive && process.stdout.isTTY === true && !out.json
  const answers = asks ? await ask(variable) : { databaseVariable: variable }
  if (answers === null) return 1
  const created: string[] = []
  const kept: string[] = []
  mkdirSync(directory, { recursive: true })
  const existing = configNames.find((name) => existsSync(join(directory, name)))
  for (const { path, content } of filesOf(answers, isModule(directory))) {
    const isConfig = configNames.includes(path)
    // A sample that no config reads would be litter.
    if (existing !== undefined && (isConfig || path.startsWith('sample/'))) {
      if (isConfig) kept.push(existing)
      continue
    }
    const full = join(directory, path)
    if (existsSync(full)) {
      kept.push(path)
      continue
    }
    mkdirSync(dirname(full), { recursive: true })
    writeFileSync(full, content, { flag: 'wx' })
    created.push(path)
  }
  ;(ignore(directory) ? created : kept).push('.gitignore')
  const next = [
    ...(answers.databaseVariable === null ? [] : [`set ${answers.databaseVariable} in .env (see .env.example)`]),
    'npx sluice run --all',
    'npx sluice status',
    'npx sluice up',
  ]
  if (out.json) {
    out.document({ created, kept, next })
    return 0
  }
  for (const path of created) out.text(`created ${path}`)
  for (const path of kept) out.text(`kept    ${path}`)
  const list = ['Next:', ...next.map((line) => `  ${line}`)].join('\n')
  if (asks) outro(list)
  else out.say(list)
  return 0
}

/** Asks on the terminal; null when it was left with Ctrl-C. */
async function ask(variable: string | null): Promise<Answers | null> {
  intro('sluice init')
  const database = await select({
    message: 'Which PostgreSQL is the application database?',
    initialValue: variable === null ? 'embedded' : 'own',
    options: [
      { value: 'embedded', label: 'an embedded one', hint: 'real PostgreSQL in .sluice/, nothing to install' },
      { value: 'own', label: 'my own', hint: 'its address is in an environment variable' },
    ],
  })
  if (isCancel(database)) return left()
  if (database === 'embedded') return { databaseVariable: null }
  const name = await text({
    message: 'Which variable holds its address (postgres://…)?',
    initialValue: variable ?? 'DATABASE_URL',
    validate: (given) =>
      /^[A-Za-z_]\w*$/.test(given ?? '') ? undefined : 'a name of a variable: letters, digits and _',
  })
  return isCancel(name) ? left() : { databaseVariable: name }
}

function left(): null {
  cancel('nothing was written')
  return null
}

/** Whether a `.ts` file of this folder is an ES module by its package.json. */
function isModule(directory: string): boolean {
  const path = join(directory, 'package.json')
  if (!existsSync(path)) return false
  try {
    const { type } = JSON.parse(readFileSync(path, 'utf8')) as { readonly type?: unknown } // compared in the next line
    return type === 'module'
  } catch {
    return false
  }
}

/** Adds what must not be committed to .gitignore; false when it was there. */
function ignore(directory: string): boolean {
  const path = join(directory, '.gitignore')
  const before = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const lines = before.split(/\r?\n/).map((line) => line.trim())
  const missing = ignored.filter(
    (line) => !lines.includes(line) && !lines.includes(`/${line}`) && !lines.includes(line.replace(/\/$/, '')),
  )
  if (missing.length === 0) return false
  appendFileSync(path, `${before === '' || before.endsWith('\n') ? '' : '\n'}${missing.join('\n')}\n`)
  return true
}
