/** A fault of the simulated custodian, as data: bound to requests of a path or to notifications, by ordinal. */
import { z } from 'zod'
import { type NotificationEffect, notificationEffectSchema } from './notification-fault.ts'

/** What happens instead of, or to, the proper answer. */
const faultEffectSchema = z.discriminatedUnion('kind', [
  /** This answer instead of the proper one. */
  z.strictObject({
    kind: z.literal('answer'),
    status: z.int().min(100).max(599),
    headers: z.record(z.string(), z.string()).optional(),
    body: z.string().optional(),
  }),
  /** The proper answer, cut after `bytes`; `contentLength`: its Content-Length still promises the whole. */
  z.strictObject({ kind: z.literal('truncate'), bytes: z.int().min(0), contentLength: z.boolean() }),
  /** The connection is reset after `bytes` of the body. */
  z.strictObject({ kind: z.literal('reset'), bytes: z.int().min(0) }),
  /** The body comes in pieces of `bytes`, each `delayMs` after the one before. */
  z.strictObject({ kind: z.literal('slow'), bytes: z.int().min(1), delayMs: z.int().min(0) }),
  /** The body is gzipped; `header`: Content-Encoding tells so. */
  z.strictObject({ kind: z.literal('gzip'), header: z.boolean() }),
  /** The proper body under another Content-Type. */
  z.strictObject({ kind: z.literal('type'), contentType: z.string() }),
  /** The feed says the same in other words. */
  z.strictObject({ kind: z.literal('rewritten'), how: z.enum(['prefixes', 'meter-ids']) }),
  /** The token's answer in another form; its life in seconds. */
  z.strictObject({
    kind: z.literal('token'),
    format: z.enum(['json', 'xml']).optional(),
    expiresIn: z.enum(['number', 'string', 'absent']).optional(),
    life_s: z.int().min(1).optional(),
  }),
  /** 202 is answered, the notification never comes. */
  z.strictObject({ kind: z.literal('silence') }),
  /** The notification comes before the 202. */
  z.strictObject({ kind: z.literal('early') }),
])
export type FaultEffect = z.infer<typeof faultEffectSchema>

const ordinalsSchema = z.union([z.array(z.int().min(1)), z.literal('all')]).optional()

/** A fault as JSON describes it; `path` is a suffix. */
export const faultSchema = z.union([
  z.strictObject({
    path: z.string().optional(),
    of: z.enum(['request', 'package']).optional(),
    on: ordinalsSchema,
    effect: faultEffectSchema,
  }),
  z.strictObject({ on: ordinalsSchema, effect: notificationEffectSchema }),
])

export type Fault = RequestFault | NotificationFault

export interface RequestFault {
  /** Path (without query) that this fault is for: a suffix, or a pattern. Absent: every request. */
  readonly path?: string | RegExp | undefined
  /** Only prepared packages (with correlationID), or only what has none. Absent: both. */
  readonly of?: 'request' | 'package' | undefined
  /** Ordinals (from 1) among the requests that match; absent: the next one only; `all`: every one. */
  readonly on?: readonly number[] | 'all' | undefined
  readonly effect: FaultEffect
}

export interface NotificationFault {
  /** Ordinals among what is ready to be notified, as above. */
  readonly on?: readonly number[] | 'all' | undefined
  readonly effect: NotificationEffect
}
