/** `meterlake erase`: what would go or went as rows, receipts, and the question before it. */
import { createInterface } from 'node:readline/promises'
import type { Config } from '../schemas/config.ts'
import { MeterlakeError } from '../schemas/errors.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { openCustomerKey } from '../warehouse/customer-key.ts'
import { readReceipts } from '../warehouse/erasure-receipt.ts'
import { readNewestManifest } from '../warehouse/manifest.ts'
import { openRoots } from '../warehouse/storage.ts'
import { type Format, rootsOf } from './command-context.ts'
import { eraseFromLake, type EraseRequest, findMentions, type MentioningFeed } from './erase-lake.ts'
import { formatBytes, formatCount } from './human.ts'
import { openProgress } from './progress.ts'
import { exitCodes } from './report-error.ts'
import { formatRows, writeAll } from './row-format.ts'

export interface EraseFlags {
  readonly usagePoint?: readonly string[]
  readonly forever?: true
  readonly reference?: string
  readonly dryRun?: true
  readonly yes?: true
  readonly receipts?: true
  readonly format: Format
}

const feedColumns = [
  { name: 'root', type: 'VARCHAR' },
  { name: 'sha256', type: 'VARCHAR' },
  { name: 'entries', type: 'INTEGER' },
  { name: 'bytes', type: 'BIGINT' },
]
const receiptColumns = [
  { name: 'order', type: 'VARCHAR' },
  { name: 'done_at', type: 'VARCHAR' },
  { name: 'reference', type: 'VARCHAR' },
  { name: 'commit', type: 'INTEGER' },
  { name: 'marks', type: 'INTEGER' },
  { name: 'feeds', type: 'INTEGER' },
  { name: 'bytes', type: 'BIGINT' },
  { name: 'genuine', type: 'BOOLEAN' },
]

/** Erases, or shows what would go or went; answers the exit code. Throws USAGE, NOT_IN_LAKE, LAKE_*. */
export async function showErasure(config: Config, flags: EraseFlags): Promise<number> {
  const roots = rootsOf(config)
  if (flags.receipts) return await showReceipts(roots, flags.format)
  const usagePoints = flags.usagePoint ?? []
  if (usagePoints.length === 0) throw new MeterlakeError('USAGE', 'say what is to go: --usage-point ID')
  const abort = new AbortController()
  const stop = () => abort.abort(new MeterlakeError('LOAD_CANCELLED', 'stopped: nothing was erased'))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)
  try {
    using progress = openProgress(process.stderr)
    const request: EraseRequest = {
      config,
      roots,
      usagePoints,
      forever: flags.forever === true,
      reference: flags.reference ?? null,
      progress,
      signal: abort.signal,
    }
    const mentions = await findMentions(request)
    if (mentions.length === 0)
      throw new MeterlakeError('NOT_IN_LAKE', `no feed of the archive mentions ${usagePoints.join(', ')}`)
    if (flags.dryRun) {
      await show(mentions, flags.format)
      console.error(`${summary(mentions)} would be erased, nothing was`)
      return exitCodes.done
    }
    if (!flags.yes) await confirm(`${summary(mentions)} of ${usagePoints.join(', ')}`)
    const { order, commit, feeds } = await eraseFromLake(request)
    progress[Symbol.dispose]()
    const erased = feeds.map(({ root, index, ranges, bytes }) => ({
      root,
      sha256: index.sha256,
      entries: ranges,
      bytes,
    }))
    await show(erased, flags.format)
    console.error(`${summary(erased)} erased by commit ${commit}; receipt ${order} (meterlake erase --receipts)`)
    return exitCodes.done
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, stop)
  }
}

const show = (feeds: readonly MentioningFeed[], format: Format): Promise<void> =>
  writeAll(
    process.stdout,
    formatRows(format, feedColumns, [feeds.map(({ root, sha256, entries, bytes }) => [root, sha256, entries, bytes])]),
  )

function summary(feeds: readonly MentioningFeed[]): string {
  const entries = feeds.reduce((sum, feed) => sum + feed.entries, 0)
  const bytes = feeds.reduce((sum, feed) => sum + feed.bytes, 0)
  return `${formatCount(entries)} entries, ${formatBytes(bytes)}, in ${formatCount(feeds.length)} feeds`
}

async function confirm(what: string): Promise<void> {
  if (!process.stdin.isTTY) throw new MeterlakeError('USAGE', `erasing ${what} cannot be undone: say --yes`)
  using terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(`Erase ${what}? This cannot be undone. Type erase: `)
  if (answer.trim() !== 'erase') throw new MeterlakeError('USAGE', 'nothing was erased')
}

async function showReceipts(roots: LakeRoots, format: Format): Promise<number> {
  const { lake, pii } = openRoots(roots)
  const manifest = await readNewestManifest(lake)
  if (!manifest)
    throw new MeterlakeError('LAKE_MISSING', `nothing has been published in ${roots.lake}`, { lake: roots.lake })
  if (manifest.pii.keyCheck === null) {
    console.error('nothing was ever erased')
    return exitCodes.done
  }
  const receipts = await readReceipts(pii, await openCustomerKey(pii, manifest.pii.keyCheck))
  const rows = receipts.map(({ receipt, isGenuine }) => [
    receipt.order,
    receipt.doneAt,
    receipt.reference,
    receipt.manifestAfter,
    receipt.marks.length,
    receipt.feeds.length,
    receipt.feeds.reduce((sum, { bytes }) => sum + bytes, 0),
    isGenuine,
  ])
  await writeAll(process.stdout, formatRows(format, receiptColumns, [rows]))
  return receipts.every(({ isGenuine }) => isGenuine) ? exitCodes.done : exitCodes.incomplete
}
