/**
 * Every error code: the registry is also the documentation (docs/reference/errors.md is generated from it).
 *
 * - `exit`: what a command exits with: 1 the work failed, 2 usage or config, 3 findings.
 * - `retry`: whether another attempt of the same run may succeed without anybody's help.
 */
export interface CodeEntry {
  readonly exit: 1 | 2 | 3
  readonly retry: boolean
  /** One sentence for the reference: when it is raised and what it means. */
  readonly means: string
}

const entry = (exit: 1 | 2 | 3, retry: boolean, means: string): CodeEntry => ({ exit, retry, means })

export const codes = {
  INTERNAL: entry(1, false, 'A defect of Sluice. Run again with `--trace` and report it.'),
  USAGE: entry(2, false, 'The command line is not one that Sluice understands.'),
  NODE_TOO_OLD: entry(2, false, 'This Node cannot run Sluice.'),

  CONFIG_NOT_FOUND: entry(2, false, 'No `sluice.config.*` in this directory.'),
  CONFIG_INVALID: entry(2, false, 'The config does not fit its schema; the message names the path of each fault.'),
  CONFIG_FAILED: entry(2, false, 'The config file raised an error while it was loaded.'),
  VARIABLE_UNSET: entry(2, false, 'An `env()` or `secret()` of the config has no value.'),
  FLOW_UNKNOWN: entry(2, false, 'No flow of that name; near names are suggested.'),
  RUN_UNKNOWN: entry(2, false, 'No run has that id, or the abbreviation fits several.'),
  FLOW_READ_ONLY: entry(2, false, 'The flow is defined in the config file, which is where it is changed.'),
  FLOW_VERSION_CONFLICT: entry(2, false, 'Somebody has changed the flow since the version that was given.'),
  FLOW_IN_USE: entry(2, false, 'Another flow comes after this one; it cannot be removed.'),
  RUN_NOT_FINISHED: entry(2, false, 'The run still goes on; it can be tried again when it has ended.'),
  SLICE_UNKNOWN: entry(2, false, 'The flow has no slice of that key.'),
  BACKFILL_UNKNOWN: entry(2, false, 'No backfill has that id.'),
  BACKFILL_STATE: entry(2, false, 'The backfill is not in a state in which that can be done.'),
  BACKFILL_EMPTY: entry(2, false, 'The range has no slice that has to be redone.'),
  WEBHOOK_UNKNOWN: entry(2, false, 'The config has no webhook of that name.'),
  CURSOR_EXPIRED: entry(2, false, 'What the cursor points to is gone; begin again with the first page.'),
  STORE_UNKNOWN: entry(
    2,
    false,
    'A flow names a store that the config does not have, or one that cannot play that part.',
  ),
  TEMPLATE_INVALID: entry(2, false, 'A Jinja2 template cannot be rendered: a syntax error or an undefined name.'),
  FILE_NOT_FOUND: entry(2, false, 'A file named by the config does not exist.'),
  PATH_ESCAPES: entry(2, false, 'A path leaves the folder it has to stay in.'),
  WORKER_OUTDATED: entry(
    2,
    false,
    'A process that was started before this flow was defined anew cannot do its runs; restart it.',
  ),

  UNAUTHENTICATED: entry(2, false, 'No token or session was given, or it is unknown, expired, revoked or ended.'),
  ISSUER_UNREACHABLE: entry(1, true, 'The keys that tokens of the application are checked with cannot be had.'),
  LINK_INVALID: entry(2, false, 'The link to sign in is unknown, was used, or is older than ten minutes.'),
  TOKEN_UNKNOWN: entry(2, false, 'No token has that id.'),
  PRINCIPAL_UNKNOWN: entry(2, false, 'No person has that id, or that person is disabled.'),
  NAME_TAKEN: entry(2, false, 'Another person has that name.'),
  LAST_ADMIN: entry(2, false, 'Nobody would be admin any more: the last one cannot be removed, disabled or lowered.'),
  CURSOR_INVALID: entry(2, false, 'The cursor is none that a page of this list has given out.'),
  IDEMPOTENCY_CONFLICT: entry(2, false, 'The idempotency key was given with another request before.'),
  IDEMPOTENCY_IN_FLIGHT: entry(1, true, 'The request of this idempotency key is still worked at.'),

  COMMAND_FAILED: entry(1, false, 'A program of the system that is needed is missing or failed.'),

  STORE_UNREACHABLE: entry(1, true, 'The server does not answer.'),
  STORE_DENIED: entry(1, false, 'The store refused the credentials, or the role lacks a right.'),
  STORE_BUSY: entry(1, true, 'The store is held by another process, or has no connection left.'),
  STORE_QUERY: entry(1, false, 'The store refused a statement; `why` is its own message.'),
  STORE_LOST: entry(1, true, 'The connection broke while it was used.'),
  STORE_UNSUPPORTED: entry(1, false, 'The server is too old, or lacks something that is needed.'),
  EMBEDDED_FAILED: entry(1, false, 'The embedded PostgreSQL could not be created or started.'),
  STATE_CHANGED: entry(2, false, 'The tables of Sluice were made by another code than this version.'),
  STATE_NEWER: entry(2, false, 'The tables of Sluice belong to a newer version than this one.'),

  SOURCE_COLUMN_MISSING: entry(1, false, 'The config or the target names a column that the source does not have.'),
  SOURCE_TABLE_MISSING: entry(1, false, 'A flow reads a table that the database does not have.'),
  SOURCE_UNSUITABLE: entry(1, false, 'A flow cannot read what it names in the way that it is asked to.'),
  SCHEMA_NARROWED: entry(1, false, 'The source changed a column in a way that the target cannot hold.'),
  SCHEMA_FROZEN: entry(1, false, "The source changed its columns, and the flow's contract is `freeze`."),
  TARGET_DEPENDENTS: entry(1, false, 'Something depends on the target in a way that this publication would break.'),
  TARGET_MISSING: entry(1, false, 'The table does not exist: the flow was never published, or somebody dropped it.'),
  TARGET_UNSUITABLE: entry(
    1,
    false,
    'The target is not a table, hides rows from this role, or has a name or columns that rows cannot be published into.',
  ),
  TARGET_CHANGED: entry(
    1,
    true,
    'The target was altered while its new content was prepared; the next attempt goes by what it is now.',
  ),
  KEY_DUPLICATE: entry(1, false, 'The source repeats a key; the keys are listed.'),
  KEY_NULL: entry(1, false, 'A key column is null in the source.'),
  VALUE_UNREPRESENTABLE: entry(1, false, "The target cannot hold a value, and the column's policy is `error`."),
  GUARD_EMPTY: entry(1, false, 'The source has no rows; the guard keeps what is published.'),
  GUARD_SHRUNK: entry(1, false, 'The source has far fewer rows than what is published; the guard keeps that.'),
  PUBLISH_BLOCKED: entry(1, true, 'Readers held the table for longer than `publishTimeout`.'),
  PUBLISH_LOCKED: entry(1, true, 'The short lock that publishing needs was not to be had; tried again by itself.'),

  LEASE_LOST: entry(1, false, 'Another worker has taken this work over; what this one did is not published.'),
  FLOW_PAUSED: entry(1, false, 'The flow is paused.'),
  RUN_CANCELLED: entry(1, false, 'The run was cancelled.'),
  RUN_STALLED: entry(1, true, 'The run made no progress for longer than `timeout`.'),
  RUN_INTERRUPTED: entry(1, true, 'The worker stopped without a word; the run goes on in another.'),
  RUN_RELEASED: entry(1, true, 'The worker was told to stop before the run was done; it goes on in another.'),

  REQUEST_INVALID: entry(2, false, 'The request does not fit its schema; `why` names each fault.'),
  ROUTE_UNKNOWN: entry(2, false, 'The API has nothing at that address.'),
  METHOD_REFUSED: entry(2, false, 'The address exists, but not with that method.'),
  BODY_TOO_LARGE: entry(2, false, 'The body of the request is larger than `api.bodyLimit`.'),
  MEDIA_TYPE_REFUSED: entry(2, false, 'The body of the request is not of a type that the API reads.'),
  FORBIDDEN: entry(2, false, 'The caller is known, but the role is not enough.'),
  ORIGIN_REFUSED: entry(2, false, 'The request came from another site, or without the proof that it did not.'),
  HOST_REFUSED: entry(2, false, 'The request names a host that this server does not answer to.'),
  RATE_LIMITED: entry(2, true, 'Too many requests; `Retry-After` says when to go on.'),
  REQUEST_TIMEOUT: entry(2, true, 'The request did not arrive in time.'),
  HEADERS_TOO_LARGE: entry(2, false, 'The address or the headers of the request are too long.'),
  ANSWER_TIMEOUT: entry(1, true, 'The answer took longer than the API gives it; what was begun may go on.'),
  PORT_TAKEN: entry(2, false, 'Another process listens on the port that the config names.'),

  ENDPOINT_UNKNOWN: entry(2, false, 'No endpoint of that name; near names are suggested.'),
  ENDPOINT_INVALID: entry(
    2,
    false,
    'An endpoint of the config asks for what its table or query does not have, or its type cannot do.',
  ),
  PARAMETER_UNKNOWN: entry(2, false, 'The endpoint has no such parameter; near names are suggested.'),
  FILTER_INVALID: entry(
    2,
    false,
    'A parameter of an endpoint has a value that does not fit it; the parameter is named.',
  ),
  ROWS_EXCEEDED: entry(
    2,
    false,
    'The answer would have more rows than the endpoint may give at once; nothing is cut off.',
  ),
  ROW_UNKNOWN: entry(2, false, 'No row fits, where exactly one was asked for.'),
  READ_TIMEOUT: entry(1, true, 'The statement of an endpoint took longer than its `timeout` and was given up.'),

  DIFFERS: entry(3, false, 'Source and target differ.'),
} as const satisfies Record<string, CodeEntry>

export type Code = keyof typeof codes
