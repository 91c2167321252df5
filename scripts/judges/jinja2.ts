/**
 * A judge from outside: Python's own Jinja2 has to render the templates of the examples as Sluice does.
 *
 *     npm run judge:jinja2            with the python3 on the PATH, which needs the package Jinja2
 */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { renderTemplate } from '../../src/config/template.ts'

const root = join(import.meta.dirname, '..', '..')

interface Template {
  readonly path: string
  readonly source: string
  readonly params: Readonly<Record<string, unknown>>
}

/** As far as this script looks into a config, which is plain JSON. */
interface Config {
  readonly params?: Readonly<Record<string, unknown>>
  readonly flows: Readonly<
    Record<string, { readonly from: { readonly file?: { readonly $file: string }; readonly params?: object } }>
  >
}

async function templatesOf(file: string): Promise<readonly Template[]> {
  const folder = join(root, file, '..')
  const { default: config } = (await import(pathToFileURL(join(root, file)).href)) as { readonly default: Config } // what every config exports
  return Object.values(config.flows).flatMap(({ from }) => {
    if (from.file === undefined) return []
    const path = join(folder, from.file.$file)
    return [
      { path: relative(root, path), source: readFileSync(path, 'utf8'), params: { ...config.params, ...from.params } },
    ]
  })
}

const templates = (await Promise.all(globSync('examples/*/sluice.config.ts', { cwd: root }).map(templatesOf))).flat()
const judge = spawnSync('python3', [join(import.meta.dirname, 'render.py')], {
  input: JSON.stringify(templates),
  encoding: 'utf8',
})
if (judge.error !== undefined) throw judge.error
if (judge.status !== 0) {
  console.error(judge.stderr)
  process.exit(1)
}
const theirs = JSON.parse(judge.stdout) as readonly string[] // as render.py prints it
const different = templates.filter(({ path, source, params }, n) => renderTemplate(path, source, params) !== theirs[n])
for (const { path } of different) console.error(`${path}: Jinja2 renders it otherwise`)
if (templates.length === 0) console.error('no template was looked at')
if (different.length > 0 || templates.length === 0) process.exitCode = 1
else console.log(`${templates.length} templates rendered by Jinja2 as by Sluice`)
