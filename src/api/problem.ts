/** Errors on their way out: every SluiceError as an HTTP status and a problem document; everything else as a 500 without detail. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Code } from '../lib/codes.ts'
import { SluiceError } from '../lib/error.ts'
import { faultsIn, Unfit, whyUnfit } from './fit.ts'
import type { Problem } from './schemas.ts'

/** The status of a code that is raised while answering. What is not listed is a failure of our side: 500. */
const statuses: Readonly<Partial<Record<Code, number>>> = {
  USAGE: 400,
  REQUEST_INVALID: 400,
  CONFIG_INVALID: 422,
  TEMPLATE_INVALID: 422,
  FILE_NOT_FOUND: 422,
  PATH_ESCAPES: 422,
  VARIABLE_UNSET: 422,
  CURSOR_INVALID: 400,
  FILTER_INVALID: 400,
  PARAMETER_UNKNOWN: 400,
  ROWS_EXCEEDED: 400,
  UNAUTHENTICATED: 401,
  LINK_INVALID: 401,
  FORBIDDEN: 403,
  ORIGIN_REFUSED: 403,
  BACKFILL_UNKNOWN: 404,
  ENDPOINT_UNKNOWN: 404,
  FLOW_UNKNOWN: 404,
  PRINCIPAL_UNKNOWN: 404,
  TOKEN_UNKNOWN: 404,
  WEBHOOK_UNKNOWN: 404,
  ROW_UNKNOWN: 404,
  RUN_UNKNOWN: 404,
  SLICE_UNKNOWN: 404,
  STORE_UNKNOWN: 404,
  TARGET_MISSING: 404,
  ROUTE_UNKNOWN: 404,
  METHOD_REFUSED: 405,
  REQUEST_TIMEOUT: 408,
  BACKFILL_EMPTY: 409,
  BACKFILL_STATE: 409,
  FLOW_IN_USE: 409,
  FLOW_PAUSED: 409,
  FLOW_READ_ONLY: 409,
  FLOW_VERSION_CONFLICT: 409,
  IDEMPOTENCY_IN_FLIGHT: 409,
  LAST_ADMIN: 409,
  NAME_TAKEN: 409,
  RUN_NOT_FINISHED: 409,
  WORKER_OUTDATED: 409,
  CURSOR_EXPIRED: 410,
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE_REFUSED: 415,
  HOST_REFUSED: 421,
  IDEMPOTENCY_CONFLICT: 422,
  RATE_LIMITED: 429,
  HEADERS_TOO_LARGE: 431,
  ANSWER_TIMEOUT: 503,
  ISSUER_UNREACHABLE: 503,
  STORE_UNREACHABLE: 503,
  STORE_BUSY: 503,
  STORE_LOST: 503,
  READ_TIMEOUT: 504,
}

/** The status with which an error of that code is answered. */
export function statusOf(code: Code): number {
  return statuses[code] ?? 500
}

/** More than a page shows fields. */
const mostProblems = 100

/** The document of an error. `status` overrides that of its code: a failed run that was waited for is a 502. */
export function toProblem(error: SluiceError, requestId: string, status = statusOf(error.code)): Problem {
  const { code, summary, why, fix, where } = error.toJSON()
  return {
    type: `urn:sluice:error:${code}`,
    title: summary,
    status,
    detail: `${why}. ${fix}`,
    code,
    why,
    fix,
    where: { ...where },
    ...(error.problems.length === 0 ? {} : { problems: error.problems.slice(0, mostProblems) }),
    requestId,
  }
}

/** An error that is told as it is, with a status of its own: it speaks of what the caller reads or wrote. See `looking`. */
export class Told extends Error {
  readonly error: SluiceError
  readonly status: number

  constructor(error: SluiceError, status: number) {
    super(error.summary, { cause: error })
    this.error = error
    this.status = status
  }
}

/** What quotes a statement or a server: told in the log, not to whoever asks. */
const untold: ReadonlySet<Code> = new Set([
  'INTERNAL',
  'STORE_QUERY',
  'STORE_DENIED',
  'STORE_UNSUPPORTED',
  'STATE_CHANGED',
  'STATE_NEWER',
])

/** Whatever was thrown while answering, as our error. What nobody expected says nothing of itself: the log has it. */
export function translate(thrown: unknown): SluiceError {
  if (thrown instanceof SluiceError) return untold.has(thrown.code) ? defect(thrown) : thrown
  if (thrown instanceof Unfit) {
    return new SluiceError('REQUEST_INVALID', 'The request does not fit its schema', {
      why: whyUnfit(thrown),
      fix: 'correct what is named; /docs shows what the operation takes',
      problems: faultsIn(thrown),
    })
  }
  return ofFastify(thrown) ?? defect(thrown)
}

function defect(cause: unknown): SluiceError {
  return new SluiceError('INTERNAL', 'Sluice failed in a way it does not know', {
    why: 'the log of the server has the details under this request id',
    fix: 'try again; if it stays, report it with what the log says',
    cause,
  })
}

/** What Fastify itself refuses, by its own codes. */
function ofFastify(thrown: unknown): SluiceError | null {
  const { code, statusCode } = thrown as Partial<FastifyError> // anything may be thrown; both may be missing
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return refused(
        'BODY_TOO_LARGE',
        'The body is too large',
        'it is larger than `api.bodyLimit`',
        'send less at once',
      )
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return refused(
        'MEDIA_TYPE_REFUSED',
        'The body is not JSON',
        'the API reads JSON',
        'send Content-Type: application/json',
      )
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return refused('REQUEST_INVALID', 'The body is not JSON', 'it cannot be read as JSON', 'correct the body')
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return refused(
        'REQUEST_INVALID',
        'The address is malformed',
        'it cannot be decoded, or is too long',
        'correct it',
      )
    case 'FST_ERR_HANDLER_TIMEOUT':
      return refused(
        'ANSWER_TIMEOUT',
        'The answer took too long',
        'it was not there after 90 s',
        'ask for less, or later',
      )
    case 'HPE_HEADER_OVERFLOW':
      return refused(
        'HEADERS_TOO_LARGE',
        'The address or the headers are too long',
        'they have more than 16 KB',
        'send less',
      )
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return refused(
        'REQUEST_TIMEOUT',
        'The request did not arrive in time',
        'it took longer than 30 s',
        'send it again',
      )
    default:
  }
  // What Node's parser stumbles over.
  if (code?.startsWith('HPE_') === true)
    return refused('REQUEST_INVALID', 'The request is malformed', 'it is no HTTP', 'correct the request')
  // What other plugins and the JSON parser refuse with a status of their own; its text may repeat input, so it is not passed on.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return refused('REQUEST_INVALID', 'The request is malformed', 'it cannot be read', 'correct the request')
  return null
}

function refused(code: Code, summary: string, why: string, fix: string): SluiceError {
  return new SluiceError(code, summary, { why, fix })
}

/** Answers with the problem and logs what is our fault. */
export function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const told = thrown instanceof Told ? thrown : null
  const error = told?.error ?? translate(thrown)
  if (error.code === 'UNAUTHENTICATED') void reply.header('www-authenticate', 'Bearer realm="sluice"')
  const status = told?.status ?? statusOf(error.code)
  if (status >= 500 && told === null) request.log.error({ err: error.cause ?? error, code: error.code }, error.summary)
  else
    request.log.info(
      { code: error.code, why: error.cause instanceof Error ? error.cause.message : error.why },
      error.summary,
    )
  // Serialized here: the answer is a problem whatever the operation's own schema says.
  return reply
    .code(status)
    .header('x-request-id', request.id)
    .type('application/problem+json')
    .serializer((payload: unknown) => JSON.stringify(payload))
    .send(toProblem(error, request.id, status))
}
