import { codes, type Code } from './codes.ts'

/** Where an error arose: what a person would look for first. Never a row's value, never a secret. */
export interface Where {
  readonly flow?: string
  readonly store?: string
  readonly table?: string
  readonly column?: string
  /** The key of the row, as text; keys are shown on purpose, since without them a row cannot be found. */
  readonly key?: string
  /** A file, with its line where known: `sluice.config.ts:12`. */
  readonly file?: string
}

/** One thing that is wrong with what was sent: `path` is the name of a parameter, or a JSON pointer (RFC 6901) into the body. */
export interface Fault {
  readonly path: string
  readonly fault: string
}

export interface ErrorDetail {
  /** Why it happened, in the words of the system that refused where there is one. */
  readonly why: string
  /** What to do about it: a command, a line of config, a grant. */
  readonly fix: string
  readonly where?: Where
  /** Of what was sent and is refused: each fault at its place, for whoever marks fields. The text names them, too. */
  readonly problems?: readonly Fault[]
  readonly cause?: unknown
}

/** An error as it is stored with a run, printed with `--json` and answered by the API. */
export interface ErrorRecord {
  readonly code: Code
  readonly summary: string
  readonly why: string
  readonly fix: string
  readonly where: Where
}

/**
 * The one error that Sluice raises on purpose. Anything else that reaches the edge is a defect of ours and is shown as
 * `INTERNAL`. Thrown inside, translated once at the edge (CLI, API, the record of an attempt).
 */
export class SluiceError extends Error {
  override readonly name = 'SluiceError'
  readonly code: Code
  readonly why: string
  readonly fix: string
  readonly where: Where
  readonly problems: readonly Fault[]

  constructor(code: Code, summary: string, detail: ErrorDetail) {
    super(summary, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.code = code
    this.why = detail.why
    this.fix = detail.fix
    this.where = detail.where ?? {}
    this.problems = detail.problems ?? []
  }

  get summary(): string {
    return this.message
  }

  /** The same error with more of where it arose; what is already known wins. */
  at(where: Where): SluiceError {
    return new SluiceError(this.code, this.summary, {
      why: this.why,
      fix: this.fix,
      where: { ...where, ...this.where },
      problems: this.problems,
      cause: this.cause,
    })
  }

  toJSON(): ErrorRecord {
    return { code: this.code, summary: this.summary, why: this.why, fix: this.fix, where: this.where }
  }
}

/** Any thrown value as a SluiceError; what was not ours becomes `INTERNAL`. */
export function asSluiceError(thrown: unknown): SluiceError {
  if (thrown instanceof SluiceError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new SluiceError('INTERNAL', 'Sluice failed in a way it does not know', {
    why: message,
    fix: 'run again with --trace and report what it prints',
    cause: thrown,
  })
}

/** The exit code a command ends with for this error: 1 the work failed, 2 usage or config, 3 findings. */
export function exitCodeOf(error: SluiceError): 1 | 2 | 3 {
  return codes[error.code].exit
}
