import { type EnvReference, envReference, type SecretReference, secretReference } from '../lib/reference.ts'
import { formatPath } from './problem.ts'

/** Every `env()` and `secret()` of a config, with the way to it. Pure. */
export function referencesOf(
  value: unknown,
  path: readonly (string | number)[] = [],
): readonly { readonly path: string; readonly reference: EnvReference | SecretReference }[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap((item, at) => referencesOf(item, [...path, at]))
  const env = envReference.safeParse(value)
  if (env.success) return [{ path: formatPath(path), reference: env.data }]
  const secret = secretReference.safeParse(value)
  if (secret.success) return [{ path: formatPath(path), reference: secret.data }]
  return Object.entries(value).flatMap(([key, item]) => referencesOf(item, [...path, key]))
}
