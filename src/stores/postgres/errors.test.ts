import { expect, test } from 'vitest'
import { SluiceError } from '../../lib/error.ts'
import { asStoreError, sqlState } from './errors.ts'

const fault = (fields: Readonly<Record<string, string>>): Error =>
  Object.assign(new Error(fields['message'] ?? 'no'), fields)
const context = { store: 'billing', server: 'db:5432/app' }

test.each([
  ['ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.1:5432', 'STORE_UNREACHABLE'],
  ['ENOTFOUND', 'getaddrinfo ENOTFOUND db', 'STORE_UNREACHABLE'],
  ['ETIMEDOUT', 'connect ETIMEDOUT 10.0.0.1:5432', 'STORE_UNREACHABLE'],
  ['ETIMEDOUT', 'read ETIMEDOUT', 'STORE_LOST'],
  ['57P03', 'the database system is starting up', 'STORE_UNREACHABLE'],
  ['28P01', 'password authentication failed', 'STORE_DENIED'],
  ['28000', 'no pg_hba.conf entry for host "1.2.3.4", no encryption', 'STORE_DENIED'],
  ['42501', 'permission denied for table t', 'STORE_DENIED'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate', 'STORE_DENIED'],
  ['53300', 'sorry, too many clients already', 'STORE_BUSY'],
  ['40P01', 'deadlock detected', 'STORE_BUSY'],
  ['40001', 'could not serialize access', 'STORE_BUSY'],
  ['55P03', 'canceling statement due to lock timeout', 'PUBLISH_LOCKED'],
  ['57P01', 'terminating connection due to administrator command', 'STORE_LOST'],
  ['25P03', 'terminating connection due to idle-in-transaction timeout', 'STORE_LOST'],
  ['ECONNRESET', 'read ECONNRESET', 'STORE_LOST'],
  ['08006', 'connection failure', 'STORE_LOST'],
  ['08P01', 'insufficient data left in message', 'STORE_QUERY'],
  ['42P01', 'relation "t" does not exist', 'STORE_QUERY'],
  ['22P02', 'invalid input syntax for type integer: "certificate"', 'STORE_QUERY'],
])('%s (%s) is %s', (code, message, expected) => {
  const error = asStoreError(fault({ code, message }), context)
  expect(error.code).toBe(expected)
  expect(error.why).toContain(message)
  expect(error.where.store).toBe('billing')
  expect(error.fix).not.toBe('')
})

test('what the driver says without a code is told by its words', () => {
  expect(asStoreError(new Error('Connection terminated unexpectedly'), context).code).toBe('STORE_LOST')
  expect(asStoreError(new Error('timeout exceeded when trying to connect'), context).code).toBe('STORE_BUSY')
  expect(asStoreError(new Error('timeout expired'), context).code).toBe('STORE_UNREACHABLE')
  expect(asStoreError(new Error('The server does not support SSL connections'), context).fix).toContain('sslmode')
  const both = new AggregateError([fault({ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED ::1:5432' })], '')
  expect(asStoreError(Object.assign(both, { code: 'ECONNREFUSED' }), context)).toMatchObject({
    code: 'STORE_UNREACHABLE',
    why: 'connect ECONNREFUSED ::1:5432',
  })
})

test('of a failing row and of a COPY only the place is told, never the values', () => {
  const row = asStoreError(
    fault({
      code: '23502',
      message: 'null value in column "a"',
      detail: 'Failing row contains (7, s3cret).',
      schema: 'app',
      table: 'users',
      column: 'a',
    }),
    context,
  )
  expect(JSON.stringify(row)).not.toContain('s3cret')
  expect(row.where).toEqual({ store: 'billing', table: 'app.users', column: 'a' })
  const copy = asStoreError(
    fault({ code: '22P04', message: 'bad', where: 'COPY users, line 1234, column email: "s3cret"' }),
    context,
  )
  expect(JSON.stringify(copy)).not.toContain('s3cret')
  expect(copy).toMatchObject({ why: 'bad; row 1234 of the stream', where: { table: 'users', column: 'email' } })
})

test('the SQLSTATE stays readable, and our own errors stay what they are', () => {
  expect(sqlState(asStoreError(fault({ code: '23505' }), context))).toBe('23505')
  expect(sqlState(new Error('x'))).toBeUndefined()
  const own = new SluiceError('LEASE_LOST', 's', { why: 'w', fix: 'f' })
  expect(asStoreError(own, context)).toMatchObject({ code: 'LEASE_LOST', where: { store: 'billing' } })
})
