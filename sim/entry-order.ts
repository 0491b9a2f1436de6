/** The entries of a usage point in PG&E's order, and when each was published. */
import type { BillPlan } from './bill-plan.ts'
import type { BlockPlan, UsagePointContent } from './content.ts'
import type { SeriesPlan } from './fleet.ts'
import type { FeedPackage } from './package.ts'

export type EntryPlan = { readonly ordinal: number; readonly published_ms: number } & (
  | { readonly kind: 'usagePoint' }
  | { readonly kind: 'readingType' | 'meterReading'; readonly series: SeriesPlan }
  | { readonly kind: 'intervalBlock'; readonly block: BlockPlan }
  | { readonly kind: 'usageSummary'; readonly bill: BillPlan }
)

/**
 * ReadingType, UsagePoint (once), MeterReading, its IntervalBlocks; then the next series; then UsageSummaries. `published` grows
 * by milliseconds, as generation went on; within a usage point it never goes back.
 */
export function* entriesOf(feedPackage: FeedPackage, content: UsagePointContent): Generator<EntryPlan> {
  const { usagePoint, partial, blocks, bills } = content
  const base_ms = feedPackage.generatedAt_ms + 1 + usagePoint.index * 2
  let ordinal = 0
  const next = (): { ordinal: number; published_ms: number } => {
    const at = ordinal
    ordinal += 1
    return { ordinal: at, published_ms: base_ms + (at >> 3) }
  }
  let said = partial
  for (const series of usagePoint.series) {
    const own = blocks.filter((block) => block.series === series || block.series.index === series.index)
    if (own.length === 0) continue
    if (!partial) yield { kind: 'readingType', series, ...next() }
    if (!said) yield { kind: 'usagePoint', ...next() }
    said = true
    if (!partial) yield { kind: 'meterReading', series, ...next() }
    for (const block of own) yield { kind: 'intervalBlock', block, ...next() }
  }
  if (!said) yield { kind: 'usagePoint', ...next() }
  for (const bill of bills) yield { kind: 'usageSummary', bill, ...next() }
}

const reencodedAt_ms = Date.parse('2024-06-20T07:00:00Z')

/**
 * Id of the MeterReading in feeds of that moment: base64 of ReadingType id and `1` where all customers share it; with the meter in
 * it otherwise, encoded anew on 2024-06-20 (Meter ID Phase 2).
 */
export function meterReadingId(series: SeriesPlan, usagePointId: string, generatedAt_ms: number): string {
  const type = series.readingType.id
  if (series.idForm === 'shared') return encode(`${type}:1`)
  if (generatedAt_ms < reencodedAt_ms) return encode(`${type}:${series.meterOrdinal + 1}`)
  return encode(`${type}:${usagePointId}:${series.meter}`)
}

const encode = (text: string): string => Buffer.from(text).toString('base64')
