/** The opaque keys that join personal data to all else: HMAC-SHA-256 of the utility's ids, under a secret that never leaves the pii root. */
import { createHmac, randomBytes } from 'node:crypto'
import { MeterlakeError } from '../schemas/errors.ts'
import { formatPath } from './paths.ts'
import type { Storage } from './storage.ts'

export interface CustomerKey {
  /** Tells this secret from another, without saying it. */
  readonly check: string
  /** 32 hex digits for an identity; null for none. */
  of(
    kind: 'customer' | 'account' | 'agreement' | 'location' | 'meter' | 'erased',
    ...identity: readonly (string | null)[]
  ): string
}

const path = formatPath({ kind: 'state', name: 'customer.key' })

/**
 * Opens the secret of a pii root, made at first use. `known` is the check of the secret the lake was keyed with: with another one the
 * same customer would get another key. Raises LAKE_CORRUPT where they differ, LAKE_NOT_WRITABLE.
 */
export async function openCustomerKey(pii: Storage, known: string | null): Promise<CustomerKey> {
  if (known === null) await pii.putIfAbsent(path, randomBytes(32).toString('hex'))
  const secret = (await pii.get(path))?.toString('utf8')
  const mac = (text: string) =>
    createHmac('sha256', secret ?? '')
      .update(text)
      .digest('hex')
  const check = mac('check').slice(0, 16)
  if (secret === undefined || (known !== null && check !== known))
    throw new MeterlakeError(
      'LAKE_CORRUPT',
      `${pii.locate(path)} is ${secret === undefined ? 'gone' : 'not the key this lake was made with'}: put back the one of your backup`,
      { path },
    )
  return { check, of: (kind, ...identity) => mac([kind, ...identity].join('\0')).slice(0, 32) }
}
