/** What an order is about, as tombstones: usage points, customers with or without their usage, or all that retention is over for. */
import { startOfDay } from '../custodian/zone-days.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import type { Manifest, Tombstone } from '../schemas/manifest.ts'
import { literal } from '../warehouse/columns.ts'
import { readTable } from '../warehouse/commit-session.ts'
import type { CustomerKey } from '../warehouse/customer-key.ts'
import type { Database } from '../warehouse/database.ts'
import { textOf } from '../warehouse/row-values.ts'
import type { Storage } from '../warehouse/storage.ts'
import { customerMark, usagePointMark } from '../warehouse/tombstones.ts'

export type ErasureScope =
  | {
      readonly kind: 'named'
      /** As the lake has them. */
      readonly usagePoints: readonly string[]
      /** Opaque keys. */
      readonly customers: readonly string[]
      /** True: of customers only what is personal goes, not the readings and bills of their usage points. */
      readonly keepsUsage: boolean
      /** True: whatever comes of them later goes too; false: what is dated before the order. */
      readonly forever: boolean
    }
  | {
      readonly kind: 'retention'
      readonly months: number
      /** Usage points under a legal hold. */
      readonly held: readonly string[]
    }

export interface ScopedLake {
  readonly db: Database
  readonly lake: Storage
  readonly manifest: Manifest
  readonly key: CustomerKey
}

/** The tombstones of an order given at a moment (RFC 3339). Throws USAGE where a customer's usage point is another customer's too. */
export async function tombstonesFor(scope: ErasureScope, at: string, of: ScopedLake): Promise<Tombstone[]> {
  const { key, manifest } = of
  if (scope.kind === 'retention') {
    const until = new Date(startOfDay(firstDayKept(at, scope.months), manifest.timeZone)).toISOString()
    return [{ order: '', at, mark: null, until, except: scope.held.map((id) => usagePointMark(key, id)) }]
  }
  const { customers, keepsUsage, forever } = scope
  const served = keepsUsage ? [] : await usagePointsOf(customers, of)
  const marks = [
    ...[...scope.usagePoints, ...served].map((id) => usagePointMark(key, id)),
    ...customers.map((customer) => customerMark(key, customer)),
  ]
  return [...new Set(marks)].map((mark) => ({ order: '', at, mark, until: forever ? null : at, except: [] }))
}

/** The day so many months before, or the last of its month where that has fewer days. */
export function firstDayKept(at: string, months: number): string {
  const [year = 0, month = 0, day = 0] = at.slice(0, 10).split('-').map(Number)
  const first = new Date(Date.UTC(year, month - 1 - months, 1))
  const days = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate()
  first.setUTCDate(Math.min(day, days))
  return first.toISOString().slice(0, 10)
}

async function usagePointsOf(customers: readonly string[], { db, lake, manifest }: ScopedLake): Promise<string[]> {
  if (customers.length === 0) return []
  const agreements = readTable(lake, manifest, 'usage_point_agreement')
  const isNamed = `customer_key IN (${customers.map(literal).join(', ')})`
  const rows = await db.rows(
    `SELECT usage_point_id, count(DISTINCT customer_key) FILTER (NOT coalesce(${isNamed}, false))::INTEGER AS others
     FROM (${agreements}) GROUP BY usage_point_id HAVING bool_or(${isNamed}) ORDER BY usage_point_id`,
  )
  const shared = rows.find((row) => row['others'] !== 0)
  if (shared)
    throw new MeterlakeError(
      'USAGE',
      `usage point ${textOf(shared, 'usage_point_id')} is or was another customer's too: give --keep-usage, and erase the usage point by itself if it is to go`,
    )
  return rows.map((row) => textOf(row, 'usage_point_id'))
}
