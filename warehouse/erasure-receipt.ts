/** Receipts of erasures, under `pii/state/erasures`: what went, in figures and hashes, each signed over the one before. */
import { z } from 'zod'
import type { Manifest } from '../schemas/manifest.ts'
import type { CustomerKey } from './customer-key.ts'
import { namedFiles } from './named-files.ts'
import type { Storage } from './storage.ts'

const fileSchema = z.object({ root: z.enum(['lake', 'pii']), path: z.string(), sha256: z.string() })

export const erasureDraftSchema = z.object({
  format: z.literal(1),
  order: z.string(),
  /** When the order was given, RFC 3339. */
  at: z.string(),
  /** The operator's own reference of the order; null: none was given. */
  reference: z.string().nullable(),
  /** Keyed hashes of what was erased. */
  marks: z.array(z.string()),
  until: z.string().nullable(),
  manifestBefore: z.int(),
  manifestAfter: z.int(),
  /** Rows that are no longer there, by kind of file. */
  rows: z.record(z.string(), z.int()),
  /** Archived feeds of which entries were blanked: SHA-256 as received or as it was left before, and as it is now. */
  feeds: z.array(
    z.object({
      root: z.enum(['lake', 'pii']),
      sha256: z.string(),
      before: z.string(),
      after: z.string(),
      entries: z.int(),
      bytes: z.int(),
    }),
  ),
  filesBefore: z.array(fileSchema),
  filesAfter: z.array(fileSchema),
})

const receiptSchema = erasureDraftSchema.extend({
  /** When all of it was done. */
  doneAt: z.string(),
  /** Signature of the receipt before; null: this is the first. */
  previous: z.string().nullable(),
  signature: z.string(),
})

export type ErasureDraft = z.infer<typeof erasureDraftSchema>
export type ErasureReceipt = z.infer<typeof receiptSchema>

const folder = 'state/erasures'

/** Files of a manifest with their hashes, but the archive, whose files are named by theirs. */
export const hashedFiles = (manifest: Manifest): ErasureDraft['filesBefore'] =>
  namedFiles(manifest)
    .filter(({ kind }) => kind !== 'raw')
    .map(({ root, ref }) => ({ root, path: ref.path, sha256: ref.sha256 }))

/** Rows of files by kind, those of current as they count. */
function rowsByKind(manifest: Manifest): ReadonlyMap<string, number> {
  const rows = new Map<string, number>()
  for (const { kind, ref } of namedFiles(manifest)) rows.set(kind, (rows.get(kind) ?? 0) + ref.rows)
  return rows.set('current', manifest.totals.readings)
}

/** By how many rows the files of each kind became fewer. */
export function fewerRows(before: Manifest, after: Manifest): Record<string, number> {
  const left = rowsByKind(after)
  const fewer = [...rowsByKind(before)].map(([kind, rows]) => [kind, rows - (left.get(kind) ?? 0)] as const)
  return Object.fromEntries(fewer.filter(([, rows]) => rows > 0))
}

const signed = (key: CustomerKey, receipt: ErasureReceipt): string =>
  key.of('erased', 'receipt', JSON.stringify({ ...receipt, signature: '' }))

/** Signs a receipt and keeps it; one that is there already stays. */
export async function keepReceipt(pii: Storage, key: CustomerKey, draft: ErasureDraft, doneAt: string): Promise<void> {
  const previous = (await readReceipts(pii, key)).at(-1)?.receipt.signature ?? null
  const receipt = { ...draft, doneAt, previous, signature: '' }
  const path = `${folder}/${draft.order}.json`
  await pii.putIfAbsent(path, `${JSON.stringify({ ...receipt, signature: signed(key, receipt) }, null, 2)}\n`)
}

/** All receipts, the oldest first, and whether each is as it was signed and follows the one before. */
export async function readReceipts(
  pii: Storage,
  key: CustomerKey,
): Promise<readonly { readonly receipt: ErasureReceipt; readonly isGenuine: boolean }[]> {
  const receipts: { receipt: ErasureReceipt; isGenuine: boolean }[] = []
  let previous: string | null = null
  for (const path of await pii.list(folder)) {
    const receipt = receiptSchema.parse(JSON.parse((await pii.get(path))?.toString('utf8') ?? 'null'))
    receipts.push({ receipt, isGenuine: receipt.signature === signed(key, receipt) && receipt.previous === previous })
    previous = receipt.signature
  }
  return receipts
}
