import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import { MockActivityEnvironment } from '@temporalio/testing'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { failureInterceptors, toApplicationFailure } from '../../activities/failures.ts'
import { redact } from '../../activities/redact.ts'
import { installRuntime, temporalLogger } from '../../bin/temporal-runtime.ts'
import { silentLog } from '../../custodian/log.ts'
import { type ErrorCode, errorCodes, MeterlakeError } from '../../schemas/errors.ts'

beforeAll(() => {
  installRuntime(silentLog)
})

const wait = (retryAfterMs: number) =>
  toApplicationFailure(new MeterlakeError('RATE_LIMITED', 'wait', { retryAfterMs }), 1).nextRetryDelay

const quiet = () => new MockActivityEnvironment({}, { logger: temporalLogger(silentLog) })

/** What comes out of the interceptor where the activity throws this. */
const execute = async (environment: MockActivityEnvironment, thrown: unknown) => {
  const { inbound } = failureInterceptors(environment.context)
  return environment
    .run(async () =>
      inbound?.execute?.({ args: [], headers: {} }, async () => {
        throw thrown
      }),
    )
    .catch((error: unknown) => error)
}

describe('toApplicationFailure', () => {
  test.each(Object.keys(errorCodes) as ErrorCode[])('%s is final exactly where the list of codes says so', (code) => {
    const failure = toApplicationFailure(new MeterlakeError(code, 'thing 42 failed', { id: 42 }), 1)
    expect(failure).toMatchObject({ type: code, message: 'thing 42 failed', details: [{ id: 42 }] })
    expect(failure.nonRetryable).toBe(!errorCodes[code].retryable)
  })

  test('a crash is tried five times', () => {
    const crash = new MeterlakeError('LOAD_CRASHED', 'gone')
    expect([1, 4, 5, 9].map((attempt) => toApplicationFailure(crash, attempt).nonRetryable)).toEqual([
      false,
      false,
      true,
      true,
    ])
    const busy = new MeterlakeError('CUSTODIAN_UNAVAILABLE', 'busy')
    expect(toApplicationFailure(busy, 999).nonRetryable).toBe(false)
  })

  test('Retry-After becomes the next delay, an hour at most', () => {
    expect(wait(7_000)).toBe(7_000)
    expect(wait(86_400_000)).toBe(3_600_000)
    expect(toApplicationFailure(new MeterlakeError('CUSTODIAN_UNAVAILABLE', 'busy'), 1).nextRetryDelay).toBeUndefined()
  })

  test('what is not ours is INTERNAL, without its cause', () => {
    const failure = toApplicationFailure(new Error('boom', { cause: new Error('Authorization: Bearer abc') }), 1)
    expect(failure).toMatchObject({ type: 'INTERNAL', nonRetryable: false })
    expect(failure.cause).toBeUndefined()
  })

  test('an ApplicationFailure stays itself', () => {
    const failure = ApplicationFailure.create({ type: 'TOKEN_REFUSED' })
    expect(toApplicationFailure(failure, 1)).toBe(failure)
  })
})

describe('the interceptor', () => {
  test('translates once', async () => {
    const failure = await execute(quiet(), new MeterlakeError('FEED_TRUNCATED', 'feed ab12 ends early'))
    expect(failure).toMatchObject({ type: 'FEED_TRUNCATED', nonRetryable: true })
  })

  test('a cancellation stays one, also where the load process says LOAD_CANCELLED', async () => {
    const cancelled = new CancelledFailure('asked to')
    expect(await execute(quiet(), cancelled)).toBe(cancelled)
    const environment = quiet()
    environment.cancel('CANCELLED')
    expect(await execute(environment, new MeterlakeError('LOAD_CANCELLED', 'stopped'))).toBeInstanceOf(CancelledFailure)
    const other = quiet()
    other.cancel('CANCELLED')
    expect(await execute(other, new MeterlakeError('FEED_TRUNCATED', 'short'))).toMatchObject({
      type: 'FEED_TRUNCATED',
    })
  })
})

describe('redact', () => {
  test.each([
    ['Authorization: Bearer eyJhbGciOi.J9-_x', 'eyJhbGciOi'],
    ['Basic MDAxMjM6c2VjcmV0', 'MDAxMjM6c2VjcmV0'],
    ['{"client_access_token":"s3cr3t","expires_in":3600}', 's3cr3t'],
    ['<client_access_token>s3cr3t</client_access_token>', 's3cr3t'],
    ['client_secret=s3cr3t&grant_type=client_credentials', 's3cr3t'],
    ['GET https://api.pge.com/token?refresh_token=s3cr3t failed', 's3cr3t'],
    ['GET https://user:s3cr3t@api.pge.com/x failed', 's3cr3t'],
    ['-----BEGIN PRIVATE KEY-----\ns3cr3t\n-----END PRIVATE KEY-----', 's3cr3t'],
  ])('%s', (text, secret) => {
    expect(redact(text)).not.toContain(secret)
  })

  test('keeps what helps', () => {
    expect(redact('usage feed 3f2a at https://api.pge.com/a/b?c=d was answered 503')).toBe(
      'usage feed 3f2a at https://api.pge.com/a/b?… was answered 503',
    )
  })

  test('is idempotent and bounded', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 3_000 }), (text) => {
        const once = redact(text)
        expect(redact(once)).toBe(once)
        expect(once.length).toBeLessThanOrEqual(1_001)
      }),
    )
  })
})
