import { SluiceError } from '../lib/error.ts'
import { isToken, shown } from './secret.ts'

/** Credentials that do not count. Who asks is told no more than that; `reason` is for the log alone. */
export function refused(reason: string): SluiceError {
  return new SluiceError('UNAUTHENTICATED', 'The credentials do not count', {
    why: 'there are none, or they are unknown, expired, revoked or ended',
    fix: 'sign in again, or send a token that counts: an admin makes one with `sluice token create`',
    cause: new Error(reason),
  })
}

/** A token that may only read endpoints opens no session. */
export function noConsole(name: string): SluiceError {
  return new SluiceError('FORBIDDEN', 'This token does not open the console', {
    why: `${name} has no role: it may only read endpoints`,
    fix: 'sign in with a token that has a role, or by a link',
  })
}

export function linkInvalid(): SluiceError {
  return new SluiceError('LINK_INVALID', 'This link does not sign in', {
    why: 'it is unknown, was used before, or is older than ten minutes',
    fix: 'ask for another: an admin makes one in the console, and `sluice up` prints one when it starts',
  })
}

export function tokenUnknown(id: string): SluiceError {
  return new SluiceError('TOKEN_UNKNOWN', 'There is no such token', {
    why: `no token of this project has the id ${isToken(id) ? `${shown(id)}…` : id.slice(0, 36)}`,
    fix: 'see `sluice token list` for those that there are',
  })
}

export function principalUnknown(why: string): SluiceError {
  return new SluiceError('PRINCIPAL_UNKNOWN', 'There is no such person', {
    why,
    fix: 'see the people in the console, or `GET /api/principals`',
  })
}

export function nameTaken(name: string): SluiceError {
  return new SluiceError('NAME_TAKEN', `Somebody is called ${name} already`, {
    why: 'names tell people apart in the audit, whatever their case',
    fix: 'choose another name',
  })
}

export function lastAdmin(name: string): SluiceError {
  return new SluiceError('LAST_ADMIN', `${name} is the last admin`, {
    why: 'without an admin nobody could make one',
    fix: 'make another person admin first',
  })
}
