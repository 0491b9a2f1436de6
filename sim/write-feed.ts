/** Feed files on disk with their truth beside them. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Service } from './fleet.ts'
import type { FeedPackage } from './package.ts'
import { renderFeed } from './render-feed.ts'
import { truthRows } from './truth.ts'
import { summarizeTruth, type TruthSummary } from './truth-summary.ts'

interface WrittenFeed {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

/** Streams the feed of one service to `path`. */
export async function writeFeed(feedPackage: FeedPackage, service: Service, path: string): Promise<WrittenFeed> {
  const hash = createHash('sha256')
  let bytes = 0
  function* observed(): Generator<Buffer> {
    for (const chunk of renderFeed(feedPackage, service)) {
      hash.update(chunk)
      bytes += chunk.length
      yield chunk
    }
  }
  await pipeline(Readable.from(observed(), { objectMode: false, highWaterMark: 1 << 20 }), createWriteStream(path))
  return { path, bytes, sha256: hash.digest('hex') }
}

/** The truth after exactly this feed: rows of the service's usage points only. */
function truthOfFeed(feedPackage: FeedPackage, service: Service): TruthSummary {
  return summarizeTruth(onlyOf(feedPackage, service))
}

function* onlyOf(feedPackage: FeedPackage, service: Service) {
  for (const row of truthRows([feedPackage])) if ((row.commodity === 7) === (service === 'gas')) yield row
}

/** {@link truthOfFeed} as a JSON file, with what was written. */
export async function writeTruth(
  feedPackage: FeedPackage,
  service: Service,
  written: WrittenFeed,
  path: string,
): Promise<TruthSummary> {
  const truth = truthOfFeed(feedPackage, service)
  const { bytes, sha256 } = written
  const facts = {
    package: feedPackage.name,
    seed: feedPackage.fleet.seed,
    service,
    file_bytes: bytes,
    sha256,
    ...truth,
  }
  await writeFile(path, `${JSON.stringify(facts, null, 1)}\n`)
  return truth
}
