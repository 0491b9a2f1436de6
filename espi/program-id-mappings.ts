/** ProgramIdMappings (the last entry of a PG&E feed) → rows of table tou_code. */
import type { FeedRow } from '../schemas/feed-rows.ts'
import type { Drift } from './drift.ts'
import type { Entry } from './entry.ts'
import { formatInstant } from './instant-text.ts'
import { type ContentPayload, LeafError } from './leaf-record.ts'

const kinds = { tou: true, cpp: true, consumptiontier: true }

export function readProgramIdMappings(entry: Entry, payload: ContentPayload, drift: Drift): FeedRow[] {
  return payload.children('programIdMapping').map((mapping) => {
    const kind = mapping.text('tOUorCPPorConsumptionTier')?.toLowerCase()
    const code = mapping.integer('code')
    if (kind === undefined || code === null)
      throw new LeafError('PROGRAM_MAPPING_INCOMPLETE', 'programIdMapping', 'a mapping without kind or code')
    if (!(kind in kinds)) drift.count('code', `tOUorCPPorConsumptionTier ${kind}`, payload.at)
    return {
      table: 'tou_code',
      kind,
      code,
      name: mapping.text('name'),
      note: mapping.text('note'),
      published_at: Number.isNaN(entry.publishedAt_us) ? null : formatInstant(entry.publishedAt_us),
      byte_offset: entry.at,
    } as const
  })
}
