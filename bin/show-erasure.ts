/** `meterlake erase`: what would go or went as rows, receipts, and the question before it. */
import { readFile } from 'node:fs/promises'
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
import type { ErasureScope } from './erasure-scope.ts'
import { formatBytes, formatCount } from './human.ts'
import { openProgress } from './progress.ts'
import { exitCodes } from './report-error.ts'
import { formatRows, writeAll } from './row-format.ts'
import { listenForCancel } from './stop-signal.ts'

export interface EraseFlags {
  readonly usagePoint?: readonly string[]
  readonly customer?: readonly string[]
  readonly keepUsage?: true
  readonly retention?: true
  readonly olderThan?: number
  readonly hold?: string
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
  const scope = await scopeOf(config, flags)
  using stop = listenForCancel('stopped: nothing was erased')
  using progress = openProgress(process.stderr)
  const request: EraseRequest = {
    config,
    roots,
    scope,
    reference: flags.reference ?? null,
    progress,
    signal: stop.signal,
  }
  const mentions = await findMentions(request)
  if (mentions.length === 0) return nothingFound(scope)
  if (flags.dryRun) {
    await show(mentions, flags.format)
    console.error(`${summary(mentions)} would be erased, nothing was`)
    return exitCodes.done
  }
  if (!flags.yes) await confirm(summary(mentions))
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
}

async function scopeOf(config: Config, flags: EraseFlags): Promise<ErasureScope> {
  const { usagePoint: usagePoints = [], customer: customers = [] } = flags
  const isNamed = usagePoints.length + customers.length > 0
  if (isNamed === (flags.retention === true))
    throw new MeterlakeError('USAGE', 'say what is to go: --usage-point ID, --customer KEY, or --retention')
  if (isNamed) {
    if (flags.olderThan !== undefined || flags.hold !== undefined)
      throw new MeterlakeError('USAGE', '--older-than and --hold go with --retention')
    const [keepsUsage, forever] = [flags.keepUsage === true, flags.forever === true]
    return { kind: 'named', usagePoints, customers, keepsUsage, forever }
  }
  const file = flags.hold ?? config.retention.hold
  const held = file === undefined ? [] : await heldUsagePoints(file)
  return { kind: 'retention', months: flags.olderThan ?? config.retention.months, held }
}

/** One id a line; empty lines and what follows a # do not count. */
async function heldUsagePoints(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new MeterlakeError('USAGE', `the file of legal holds, ${file}, cannot be read`, {}, { cause })
  })
  return text
    .split('\n')
    .map((line) => line.replace(/(?:^|\s)#.*/, '').trim())
    .filter((line) => line !== '')
}

function nothingFound(scope: ErasureScope): number {
  if (scope.kind === 'named')
    throw new MeterlakeError('NOT_IN_LAKE', 'no feed of the archive mentions what is to go: nothing was erased')
  console.error(`nothing in the archive is older than ${scope.months} months`)
  return exitCodes.done
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
