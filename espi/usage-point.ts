/** A UsagePoint entry → a row of table usage_point. */
import { hash } from 'node:crypto'
import { serviceKinds } from '../schemas/espi-codes.ts'
import type { FeedRow } from '../schemas/feed-rows.ts'
import type { Drift } from './drift.ts'
import type { Entry } from './entry.ts'
import { formatInstant } from './instant-text.ts'
import type { ContentPayload } from './leaf-record.ts'
import { type Identity, resourceIdentity, subscriptionId } from './series-key.ts'

/** Rows that came already, by 64 bits of their hash: a UsagePoint said twice in the same words is one row. */
export class SeenRows {
  readonly #seen = new Set<bigint>()

  /** True the first time a row of this content comes; where it stood does not count. */
  isNew(row: FeedRow): boolean {
    const content = hash('sha256', JSON.stringify({ ...row, byte_offset: 0 }), 'buffer').readBigUInt64BE(0)
    const before = this.#seen.size
    return this.#seen.add(content).size > before
  }
}

/** The row, or undefined where the entry was rejected. */
export function readUsagePoint(
  entry: Entry,
  payload: ContentPayload,
  identity: Identity,
  drift: Drift,
  path: string,
): FeedRow | undefined {
  const href = entry.self
  const id = href === undefined ? undefined : resourceIdentity(href, 'UsagePoint', identity)
  if (href === undefined || id === undefined) {
    entry.rejectWhole('USAGE_POINT_UNIDENTIFIED', path, 'its self link names no UsagePoint')
    return undefined
  }
  const service_kind = payload.integer('ServiceCategory/kind')
  drift.code('ServiceCategory kind', serviceKinds, service_kind, payload.at)
  return {
    table: 'usage_point',
    usage_point_id: id,
    href,
    subscription_id: subscriptionId(href),
    service_kind,
    status: payload.integer('status'),
    tariff_profile:
      payload.text('ServiceDeliveryPoint/tariffProfile') ?? payload.text('serviceDeliveryPoint/tariffProfile'),
    read_cycle: payload.text('readCycle'),
    customer_class: payload.text('customerClass'),
    other: payload.other(),
    published_at: Number.isNaN(entry.publishedAt_us) ? null : formatInstant(entry.publishedAt_us),
    byte_offset: entry.at,
  }
}
