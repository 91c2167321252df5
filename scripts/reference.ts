/**
 * Writes docs/reference from what the code says: the config from its schemas, the command line from commander's
 * definition, the errors from their registry, the API and its metrics from its routes. `--check` writes nothing and fails when a file is not what it should be.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { apiReference } from './reference/api.ts'
import { cliReference } from './reference/cli.ts'
import { configReference } from './reference/config.ts'
import { errorReference } from './reference/errors.ts'

const folder = fileURLToPath(new URL('../docs/', import.meta.url))
const check = process.argv.includes('--check')
const api = await apiReference()
const files = {
  'reference/config.md': configReference(),
  'reference/cli.md': cliReference(),
  'reference/errors.md': errorReference(),
  'reference/openapi.json': api.openapi,
  'api.md': api.api,
  'metrics.md': api.metrics,
}

mkdirSync(join(folder, 'reference'), { recursive: true })
for (const [name, text] of Object.entries(files)) {
  const path = join(folder, name)
  if (!check) {
    writeFileSync(path, text)
    continue
  }
  let there = ''
  try {
    there = readFileSync(path, 'utf8')
  } catch {
    // Not there: not what it should be.
  }
  if (there === text) continue
  console.error(`docs/${name} is not what the code says: run \`npm run reference\``)
  process.exitCode = 1
}
