/** Input against its schema: every fault with the way to it, so that whoever sent it can mark what is meant. */
import type { FastifySchemaCompiler } from 'fastify'
import { z } from 'zod'
import { SluiceError, type Fault } from '../lib/error.ts'
import { pointerOf } from '../lib/pointer.ts'

/** What Fastify gives on when input does not fit; it adds which part of the request it was. */
export class Unfit extends Error {
  readonly issues: readonly z.core.$ZodIssue[]
  validationContext?: string

  constructor(issues: readonly z.core.$ZodIssue[]) {
    super('the input does not fit its schema')
    this.issues = issues
  }
}

export const fit: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (given) => {
    const { success, data, error } = z.safeParse(schema, given)
    return success ? { value: data } : { error: new Unfit(error.issues) }
  }

/** The faults of what did not fit, a field each. */
export function faultsIn({ issues, validationContext = 'body' }: Unfit): readonly Fault[] {
  return issues.flatMap((issue) => {
    const ways = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path]
    return ways.map((way) => ({ path: pathOf(validationContext, way), fault: issue.message }))
  })
}

/** Does the work; the faults that it finds in what it was given are told at their place in the body. */
export async function asPartOfBody<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || thrown.problems.length === 0) throw thrown
    const { code, summary, why, fix, where, cause, problems } = thrown
    const placed = problems.map(({ path, fault }) => ({ path: `${place}${path}`, fault }))
    throw new SluiceError(code, summary, { why, fix, where, cause, problems: placed })
  }
}

/** As the reason of an error. */
export function whyUnfit({ issues, validationContext = 'request' }: Unfit): string {
  const part = partOf(validationContext)
  return issues
    .slice(0, 20)
    .map(({ path, message }) => `${part}/${path.join('/')}: ${message}`)
    .join('; ')
}

/** What a part of the request is called. */
export const partOf = (context: string): string => (context === 'querystring' ? 'query' : context)

/** Of the body a JSON pointer; of anything else the name of the parameter or header. Pure. */
export function pathOf(context: string, way: readonly PropertyKey[]): string {
  return context === 'body' ? pointerOf(way) : String(way[0] ?? '')
}
