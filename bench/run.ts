/**
 * `npm run bench`: feed file → published lake, by the command users run, beside saxes that only parses, in interleaved rounds.
 * Correctness comes first: a round counts only after the lake equals the generator's truth.
 *
 *   npm run bench                      200 MB of both forms, 3 rounds, and 600 MB once for memory
 *   npm run bench -- --mb 20 --rounds 1 --no-memory
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { execFileSync } from 'node:child_process'
import { cli, root } from './cli.ts'
import { type BenchFeed, benchFeed, type FeedForm } from './feeds.ts'
import { measure, type Measurement, median } from './measure.ts'

const { values: flags } = parseArgs({
  options: {
    mb: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '3' },
    forms: { type: 'string', default: 'backfill,daily' },
    memory: { type: 'boolean', default: true },
    cache: { type: 'string', default: join(tmpdir(), 'meterlake-bench') },
    write: { type: 'boolean', default: false },
  },
  allowNegative: true,
})

/** Loads a feed into an empty lake and checks every sum against the truth. */
async function loadFeed(feed: BenchFeed): Promise<Measurement> {
  const folder = mkdtempSync(join(tmpdir(), 'meterlake-bench-lake-'))
  try {
    const lake = join(folder, 'lake')
    const load = await measure([...cli, 'load', feed.path, '--lake', lake])
    const query = `SELECT count(*) AS n, sum(value)::VARCHAR AS value_sum FROM core.interval`
    const flows = `SELECT flow_direction AS flow, sum(energy_kwh)::VARCHAR AS kwh FROM core.interval WHERE energy_kwh IS NOT NULL GROUP BY 1 ORDER BY 1`
    const [sums] = (await select(lake, query)) as [{ n: number | string; value_sum: string }]
    const byFlow = Object.fromEntries((await select(lake, flows)).map((row) => [row['flow'], row['kwh']]))
    if (Number(sums.n) !== feed.truth.rows || sums.value_sum !== feed.truth.value_sum) {
      throw new Error(
        `${feed.path}: ${JSON.stringify(sums)} instead of ${feed.truth.rows} rows, ${feed.truth.value_sum}`,
      )
    }
    if (JSON.stringify(byFlow) !== JSON.stringify(feed.truth.kwh_by_flow)) {
      throw new Error(`${feed.path}: ${JSON.stringify(byFlow)} instead of ${JSON.stringify(feed.truth.kwh_by_flow)}`)
    }
    return load
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function select(lake: string, sql: string): Promise<Record<string, unknown>[]> {
  const { stdout } = await measure([...cli, 'sql', sql, '--lake', lake, '--format', 'json'])
  return JSON.parse(stdout) as Record<string, unknown>[]
}

const mb = Number(flags.mb)
const lines: string[] = []
const say = (line: string) => {
  lines.push(line)
  console.log(line)
}
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
say(`# Feed file to published lake`)
say('')
say(
  `${new Date().toISOString().slice(0, 10)}, commit ${commit}, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'cpu'}, ${Math.round(totalmem() / 2 ** 30)} GiB.`,
)
say(
  '`npm run bench`: minimum (median) over the rounds; CPU of all processes; the lake equals the truth in every round.',
)
say('')
say('| feed | program | MB/s, wall | CPU-s per 100 MB | peak memory, all processes | CPU against parsing alone |')
say('|---|---|---|---|---|---|')

const peaks = new Map<string, number>()
for (const form of flags.forms.split(',') as FeedForm[]) {
  const feed = benchFeed(flags.cache, form, mb)
  const ours: Measurement[] = []
  const parse: Measurement[] = []
  for (let round = 0; round < Number(flags.rounds); round += 1) {
    ours.push(await loadFeed(feed))
    parse.push(await measure([process.execPath, `${root}bench/parse-only.ts`, feed.path]))
  }
  peaks.set(`${form} ${mb}`, Math.max(...ours.map((m) => m.peak_mb)))
  say(row(feed, 'meterlake load', ours, parse))
  say(row(feed, 'saxes, parsing alone', parse, parse))
}
if (flags.memory) {
  say('')
  say(`| form | peak at ${mb} MB | peak at ${3 * mb} MB | difference |`)
  say('|---|---|---|---|')
  for (const form of flags.forms.split(',') as FeedForm[]) {
    const small = peaks.get(`${form} ${mb}`) ?? 0
    const large = (await loadFeed(benchFeed(flags.cache, form, 3 * mb))).peak_mb
    say(`| ${form} | ${small.toFixed(0)} MB | ${large.toFixed(0)} MB | ${(large - small).toFixed(0)} MB |`)
  }
}
if (flags.write) writeFileSync(`${root}bench/RESULTS.md`, `${lines.join('\n')}\n`)

function row(
  feed: BenchFeed,
  program: string,
  runs: readonly Measurement[],
  yardstick: readonly Measurement[],
): string {
  const size = feed.bytes / 1e6
  const wall = runs.map((run) => run.wall_s)
  const cpu = runs.map((run) => (run.cpu_s / size) * 100)
  const ratio = runs.map((run, round) => run.cpu_s / (yardstick[round]?.cpu_s ?? Number.NaN))
  return `| ${feed.form} ${size.toFixed(0)} MB, ${feed.truth.rows} readings | ${program} | ${(size / Math.min(...wall)).toFixed(0)} (${(size / median(wall)).toFixed(0)}) | ${Math.min(...cpu).toFixed(2)} (${median(cpu).toFixed(2)}) | ${Math.max(...runs.map((run) => run.peak_mb)).toFixed(0)} MB | ${median(ratio).toFixed(2)} |`
}
