import { existsSync, globSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command } from 'commander'
import { type LoadedConfig, loadConfig } from '../../config/load.ts'
import { referencesOf } from '../../config/references.ts'
import { asSluiceError } from '../../lib/error.ts'
import { printFindings, type Finding } from '../findings.ts'
import { act, type ExitCode, type Invocation } from '../invocation.ts'
import { describeSchedule } from '../../lib/schedule-words.ts'

export function checkCommand(): Command {
  return new Command('check')
    .description('read the config and what it names; needs no network')
    .option('--strict', 'a warning is a problem')
    .addHelpText(
      'after',
      `
Exits with 2 when the config is not valid, with 3 when something it names is missing.

Examples:
  $ sluice check
  $ sluice check --strict --json`,
    )
    .action(act(check))
}

async function check(
  { out, directory, global }: Invocation,
  { strict = false }: { readonly strict?: boolean },
): Promise<ExitCode> {
  const loaded = await loadConfig({ directory, ...(global.config === undefined ? {} : { config: global.config }) })
  const found = [...flowFindings(loaded), ...referenceFindings(loaded)].map((finding) =>
    strict && finding.severity === 'warning' ? { ...finding, severity: 'problem' as const } : finding,
  )
  printFindings(found, out)
  return found.some(({ severity }) => severity === 'problem') ? 3 : 0
}

function flowFindings({ directory, flows, files }: LoadedConfig): readonly Finding[] {
  if (flows.length === 0)
    return [
      {
        severity: 'warning',
        about: 'flows',
        says: 'the config has none',
        fix: 'add one: `sluice init` writes an example elsewhere',
      },
    ]
  return flows.map(({ flow, definition }): Finding => {
    for (const path of dataPaths(definition)) {
      const named = files.path(path)
      const full = resolve(directory, named)
      const there = /[*?[{]/.test(full) ? globSync(full).length > 0 : existsSync(full)
      if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(named) && !there)
        return {
          severity: 'problem',
          about: flow.name,
          says: `there is nothing at ${path}`,
          fix: 'correct the path, or create the file',
        }
    }
    return {
      severity: 'fine',
      about: flow.name,
      says: `${flow.kind}, ${describeSchedule(flow.timing.schedule)}`,
      fix: null,
    }
  })
}

/** Data files that a definition reads: what stands under parquet, csv and json of `from`. */
function dataPaths(definition: unknown): readonly string[] {
  if (typeof definition !== 'object' || definition === null || !('from' in definition)) return []
  const from = definition.from
  if (typeof from !== 'object' || from === null) return []
  return Object.entries(from).flatMap(([option, path]) =>
    ['parquet', 'csv', 'json'].includes(option) && typeof path === 'string' ? [path] : [],
  )
}

/** What is unset here may be set where the flows run: a warning. */
function referenceFindings({ config, environment }: LoadedConfig): readonly Finding[] {
  return referencesOf(config).flatMap(({ path, reference }): readonly Finding[] => {
    try {
      const { from } = environment.resolve(reference)
      return [{ severity: 'fine', about: path, says: from, fix: null }]
    } catch (error) {
      const { summary, why, fix } = asSluiceError(error)
      return [{ severity: 'warning', about: path, says: `${summary}: ${why}`, fix }]
    }
  })
}
