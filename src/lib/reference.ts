import { z } from 'zod'

/**
 * Lazy references of a config: plain JSON, resolved on connecting, so that secrets enter neither hash, log nor page.
 */
export const envReference = z
  .strictObject({ $env: z.string().min(1), or: z.string().optional() })
  .describe('`env(NAME)`: an environment variable, read when it is first needed')
export const secretReference = z
  .strictObject({ $secret: z.string().min(1) })
  .describe('`secret(NAME)`: a secret, never printed and never stored')
export const fileReference = z
  .strictObject({ $file: z.string().min(1) })
  .describe('`file(PATH)`: a file below the folder of the config')

export type EnvReference = z.infer<typeof envReference>
export type SecretReference = z.infer<typeof secretReference>
export type FileReference = z.infer<typeof fileReference>

/** What the config's loader offers to a kind that turns its definition into options. */
export interface Files {
  /** The text of a file, read now. `FILE_NOT_FOUND`, `PATH_ESCAPES`. */
  text(reference: FileReference): string
  /** A Jinja2 template rendered with `params`. `TEMPLATE_INVALID` names file and line. */
  render(reference: FileReference, params: Readonly<Record<string, unknown>>): string
  /**
   * The path of a data file or a glob of them: what lies below the folder of the config counts from there, so that a project can
   * be moved; contained in it unless it was written absolute. `PATH_ESCAPES`.
   */
  path(path: string): string
}
