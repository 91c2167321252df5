import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { SluiceError, type Where } from '../lib/error.ts'
import type { EnvReference, SecretReference } from '../lib/reference.ts'

/** A resolved reference, and where its value came from: `DATABASE_URL`, `DATABASE_URL in .env`, `default of DATABASE_URL`. */
export interface Resolved {
  readonly value: string
  readonly from: string
}

/**
 * Looks up what the config names and nothing else. The environment wins over `.env`. A value is looked up when it is first
 * needed, so that a command that does not touch a store does not ask for its password.
 */
export interface Environment {
  /** `VARIABLE_UNSET` names the variable and, by `where`, who needs it. Text that is no reference is its own value. */
  resolve(reference: string | EnvReference | SecretReference, where?: Where): Resolved
}

export interface EnvironmentSources {
  readonly variables: Readonly<Record<string, string | undefined>>
  /** The folder of the config, where `.env` may be. */
  readonly directory: string
  /** Where an orchestrator mounts secrets; default: `/run/secrets`. */
  readonly secrets?: string
}

export function openEnvironment(sources: EnvironmentSources): Environment {
  const { variables, directory, secrets = '/run/secrets' } = sources
  const path = join(directory, '.env')
  const lines: Readonly<Record<string, string | undefined>> = existsSync(path)
    ? parseEnv(readFileSync(path, 'utf8'))
    : {}

  const lookUp = (name: string): Resolved | undefined => {
    const value = variables[name]
    if (value !== undefined) return { value, from: name }
    const line = lines[name]
    return line === undefined ? undefined : { value: line, from: `${name} in .env` }
  }

  const fromFile = (path: string, from: string): Resolved | undefined =>
    existsSync(path) ? { value: readFileSync(path, 'utf8').replace(/\r?\n$/, ''), from } : undefined

  const lookUpSecret = (name: string): Resolved | undefined => {
    const upper = name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')
    const variable = lookUp(name) ?? lookUp(upper)
    if (variable !== undefined) return variable
    const named = lookUp(`${upper}_FILE`)
    if (named !== undefined) {
      const found = fromFile(named.value, `the file that ${upper}_FILE names`)
      if (found === undefined) {
        throw new SluiceError('VARIABLE_UNSET', `The secret ${name} has no value`, {
          why: `${named.from} names ${named.value}, which does not exist`,
          fix: `write the secret to that file, or set ${upper}`,
        })
      }
      return found
    }
    // A name with a slash would leave the folder.
    return /[/\\]|^\.\.?$/.test(name) ? undefined : fromFile(join(secrets, name), join(secrets, name))
  }

  return {
    resolve(reference, where = {}) {
      if (typeof reference === 'string') return { value: reference, from: 'the config' }
      const needed = where.store ?? where.flow
      const by = needed === undefined ? '' : `, and ${where.store === undefined ? 'flow' : 'store'} ${needed} needs it`
      if ('$secret' in reference) {
        const name = reference.$secret
        const found = lookUpSecret(name)
        if (found !== undefined && found.value !== '') return found
        const upper = name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')
        throw new SluiceError('VARIABLE_UNSET', `The secret ${name} has no value`, {
          why: found === undefined ? `it was not found${by}` : `${found.from} is empty${by}`,
          fix: `set ${upper}, or ${upper}_FILE to a file that holds it, or put it into ${join(secrets, name)}`,
          where,
        })
      }
      const name = reference.$env
      const found = lookUp(name)
      if (found !== undefined && found.value !== '') return found
      if (found !== undefined) {
        throw new SluiceError('VARIABLE_UNSET', `The environment variable ${name} is empty`, {
          why: `${found.from} is set to nothing${by}`,
          fix:
            reference.or === undefined
              ? `give ${name} a value`
              : `give ${name} a value, or unset it to use "${reference.or}"`,
          where,
        })
      }
      if (reference.or !== undefined) return { value: reference.or, from: `${name} is not set` }
      throw new SluiceError('VARIABLE_UNSET', `The environment variable ${name} is not set`, {
        why: `the config reads env('${name}')${by}`,
        fix: `set ${name} in the environment or in ${path}`,
        where,
      })
    },
  }
}
