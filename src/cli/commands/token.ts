import { userInfo } from 'node:os'
import { Command, InvalidArgumentError } from 'commander'
import type { Cause, Claims, TokenRecord } from '../../access/access.ts'
import type { Role } from '../../access/role.ts'
import { parseDuration } from '../../lib/duration.ts'
import { SluiceError } from '../../lib/error.ts'
import type { Sluice } from '../../sluice.ts'
import { formatInstant, formatRelative } from '../format.ts'
import { act, type ExitCode, type Invocation } from '../invocation.ts'
import { formatTable } from '../table.ts'
import { shorten } from './runs.ts'

export function tokenCommand(): Command {
  const token = new Command('token').description('bearer tokens of the HTTP API').addHelpText(
    'after',
    `
Examples:
  $ sluice token create --name nightly --role operator --expires 90d
  $ sluice token list`,
  )
  token
    .command('create')
    .description('make a token; its secret is printed once, on stdout')
    .requiredOption('-n, --name <name>', 'what it is for; names who did what in the audit', nameOf)
    .requiredOption('-r, --role <role>', 'viewer, operator or admin; none: may only read endpoints', roleOf)
    .option('--claim <name=value>', 'what endpoints bind rows to; repeat it for more, or for more values', claimOf)
    .option('-e, --expires <duration>', 'counts for so long: 30d; default: until it is revoked', durationOf)
    .addHelpText(
      'after',
      `
Examples:
  $ sluice token create --name nightly --role operator --expires 90d
  $ sluice token create --name portal --role none --claim sector=East --claim sector=West
  $ export SLUICE_TOKEN=$(sluice token create --quiet --name me --role admin --expires 1h)`,
    )
    .action(act(create))
  token
    .command('list')
    .description('all tokens, newest first; never their secrets')
    .addHelpText(
      'after',
      `
Examples:
  $ sluice token list
  $ sluice token list --json`,
    )
    .action(act(list))
  token
    .command('revoke')
    .description('let a token count no more, and end the sessions opened with it')
    .argument(
      '<token>',
      'its id, or as much of it as fits only one, or the beginning of the secret that the list shows',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ sluice token revoke 019aab12-3456
  $ sluice token revoke slc_h3Kd9x`,
    )
    .action(act(revoke))
  return token
}

interface CreateOptions {
  readonly name: string
  readonly role: Role | 'none'
  readonly claim?: Claims
  readonly expires?: number
}

/** Who has the shell, for the audit. */
function causeOf(): Cause {
  return { actor: { by: 'system', id: null, name: userInfo().username }, requestId: null }
}

async function create({ open, out }: Invocation, options: CreateOptions): Promise<ExitCode> {
  const { access } = await open()
  const { secret, token } = await access.tokens.create(
    {
      name: options.name,
      role: options.role === 'none' ? null : options.role,
      claims: options.claim ?? {},
      expiresAt: options.expires === undefined ? null : new Date(Date.now() + options.expires),
    },
    causeOf(),
  )
  if (out.json) {
    out.document({ token, secret })
    return 0
  }
  const until = token.expiresAt === null ? 'until it is revoked' : `until ${formatInstant(token.expiresAt)}`
  out.say(`Token ${token.id} (${token.name}, ${token.role ?? 'endpoints only'}) counts ${until}.`)
  out.say('This is the only time that its secret is shown:')
  out.text(secret)
  return 0
}

async function list({ open, out }: Invocation): Promise<ExitCode> {
  const tokens = await allTokens(await open())
  if (out.json) out.document({ tokens })
  else out.text(tokens.length === 0 ? 'No token yet: `sluice token create` makes one.' : formatTokens(tokens))
  return 0
}

async function revoke({ open, out }: Invocation, text: string): Promise<ExitCode> {
  const sluice = await open()
  const token = await sluice.access.tokens.revoke(chosen(await allTokens(sluice), text), causeOf())
  if (out.json) out.document({ token })
  else out.text(`${token.name} (${token.prefix}…): revoked ${formatRelative(token.revokedAt, new Date())}`)
  return 0
}

/** The id of the token that is meant; text that fits none is passed on, and refused there. Pure. */
export function chosen(tokens: readonly Pick<TokenRecord, 'id' | 'prefix'>[], text: string): string {
  // A whole secret would do, too: whoever has leaked one may not know its id.
  const fitting = tokens.filter(
    ({ id, prefix }) => (text.length >= 4 && id.startsWith(text)) || (prefix !== '' && text.startsWith(prefix)),
  )
  if (fitting.length > 1) {
    throw new SluiceError('USAGE', `${fitting.length} tokens fit that abbreviation`, {
      why: `there are ${fitting.map(({ id }) => id).join(', ')}`,
      fix: 'give more of the id',
    })
  }
  return fitting[0]?.id ?? text
}

async function allTokens({ access }: Sluice): Promise<readonly TokenRecord[]> {
  const tokens: TokenRecord[] = []
  for (let cursor: string | null = null; ;) {
    const page = await access.tokens.list({ limit: 500, cursor })
    tokens.push(...page.items)
    if (page.next === null) return tokens
    cursor = page.next
  }
}

function formatTokens(tokens: readonly TokenRecord[]): string {
  const now = new Date()
  const ids = shorten(tokens.map(({ id }) => id))
  return formatTable(
    ['TOKEN', 'NAME', 'BEGINS', 'ROLE', 'CLAIMS', 'FOR', 'STATE', 'EXPIRES', 'USED', 'BY'].map((title) => ({ title })),
    tokens.map((token, at) => [
      ids[at] ?? token.id,
      token.name,
      token.prefix,
      token.role ?? 'endpoints only',
      formatClaims(token.claims),
      token.principal?.name ?? '',
      token.state,
      formatRelative(token.expiresAt, now),
      formatRelative(token.lastUsedAt, now),
      token.createdBy,
    ]),
  )
}

function formatClaims(claims: Claims): string {
  return Object.entries(claims)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
}

function nameOf(text: string): string {
  const name = text.trim()
  if (name === '' || name.length > 100 || /\p{Cc}/u.test(name))
    throw new InvalidArgumentError('It is 1 to 100 characters that can be shown.')
  return name
}

function roleOf(text: string): Role | 'none' {
  if (text === 'viewer' || text === 'operator' || text === 'admin' || text === 'none') return text
  throw new InvalidArgumentError('It is viewer, operator, admin or none.')
}

function durationOf(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms <= 0 || ms > 36_500 * 86_400_000)
    throw new InvalidArgumentError('It is a length of time: 12h, 30d.')
  return ms
}

/** `sector=East`; the same name again adds a value. */
export function claimOf(text: string, before: Claims = {}): Claims {
  const at = text.indexOf('=')
  const name = text.slice(0, at).trim()
  if (at < 1 || name === '') throw new InvalidArgumentError('It is written name=value.')
  const value = text.slice(at + 1)
  const there = Object.hasOwn(before, name) ? before[name] : undefined
  const all = there === undefined ? value : [there, value].flat()
  return { ...before, [name]: all }
}
