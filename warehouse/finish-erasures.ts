/** What is left to do of an erasure once its commit stands: archived feeds in their new form, old files gone, the receipt signed. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LakeRoots } from '../schemas/load-process.ts'
import { removeUnnamed } from './garbage-plan.ts'
import { openCustomerKey } from './customer-key.ts'
import { erasureDraftSchema, keepReceipt } from './erasure-receipt.ts'
import { readNewestManifest } from './manifest.ts'
import { formatPath } from './paths.ts'
import { ensurePersonalViews } from './personal-views.ts'
import { openRoots } from './storage.ts'
import { ensureViews } from './views.ts'

/** Work of erasures, under the pii root: `<order>/lake/<sha256>.xml.zst`, `.json`, the same in `pii`, and `receipt.json`. */
const folder = formatPath({ kind: 'state', name: 'erasing' })

/** Absolute folder of an order's work. */
export const erasingFolder = (pii: { locate(path: string): string }, order: string): string =>
  join(pii.locate(folder), order)

/**
 * Finishes erasures whose commit stands, and removes what others had prepared. The caller holds the publish lock. Safe to repeat after
 * a kill at any point. Nothing happens where the pii root is not this user's to read.
 */
export async function finishErasures(roots: LakeRoots): Promise<void> {
  const { lake, pii } = openRoots(roots)
  const orders = await readdir(pii.locate(folder)).catch(() => [])
  if (orders.length === 0) return
  const manifest = await readNewestManifest(lake)
  for (const order of orders) {
    if (manifest?.tombstones.some((tombstone) => tombstone.order === order)) {
      for (const root of ['lake', 'pii'] as const) await replaceFeeds(erasingFolder(pii, order), root, roots)
      await ensureViews(roots)
      await ensurePersonalViews(roots)
      await removeUnnamed(roots)
      const draft = erasureDraftSchema.parse(
        JSON.parse(await readFile(join(erasingFolder(pii, order), 'receipt.json'), 'utf8')),
      )
      const key = await openCustomerKey(pii, manifest.pii.keyCheck)
      await keepReceipt(pii, key, draft, new Date().toISOString())
    }
    await pii.remove(`${folder}/${order}`)
  }
}

/** The frame index last: without the body it is of, it would not fit. */
async function replaceFeeds(work: string, root: 'lake' | 'pii', roots: LakeRoots): Promise<void> {
  const storage = openRoots(roots)[root]
  const names = await readdir(join(work, root)).catch(() => [])
  for (const [ending, kind] of [
    ['.xml.zst', 'raw'],
    ['.json', 'raw_index'],
  ] as const)
    for (const name of names.filter((each) => each.endsWith(ending)))
      await storage.publish(join(work, root, name), formatPath({ kind, sha256: name.slice(0, -ending.length) }))
}
