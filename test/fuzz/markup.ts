/**
 * `npm run fuzz [SECONDS] [FIRST_SEED]`: markup memory on and off must give equal rows, offsets and errors. Goes on where the run
 * before stopped (the next seed lies in a file beside the temporary files, or name one); what fails is kept in test/fuzz/failures as a
 * feed, which `npm test` reads from then on.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { readBothWays } from '../support/both-ways.ts'
import { spoiledFeed } from '../support/mutated-feeds.ts'

const [seconds = '60', first] = process.argv.slice(2)
const progress = join(tmpdir(), 'meterlake-fuzz-markup.txt')
const failures = join(import.meta.dirname, 'failures')
const began = performance.now()
let seed = Number(first ?? (existsSync(progress) ? readFileSync(progress, 'utf8') : 0))
const firstSeed = seed
let failed = 0
let fast = 0
let bytes = 0
while (performance.now() - began < Number(seconds) * 1000) {
  const { feed, chunkSizes, what } = spoiledFeed(seed)
  const { on, equal } = readBothWays(feed, chunkSizes)
  if (on.error === undefined) {
    bytes += feed.length
    fast += feed.length - on.slowBytes
  }
  if (!equal) {
    failed += 1
    mkdirSync(failures, { recursive: true })
    writeFileSync(join(failures, `${seed}.xml`), feed)
    console.log(
      `seed ${seed} (${what}; chunks of ${chunkSizes.join(', ')}) differs: kept as test/fuzz/failures/${seed}.xml`,
    )
  }
  seed += 1
  if (seed % 1000 === 0) writeFileSync(progress, String(seed))
}
writeFileSync(progress, String(seed))
const share = ((100 * fast) / Math.max(1, bytes)).toFixed(0)
console.log(
  `seeds ${firstSeed} to ${seed - 1}: ${failed} differ; ${share} % of the bytes of feeds read to the end went the fast way`,
)
process.exitCode = failed > 0 ? 1 : 0
