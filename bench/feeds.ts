/** Feeds with known truth, made once and kept between runs in a cache folder. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cli } from './cli.ts'

export type FeedForm = 'backfill' | 'daily'

export interface BenchFeed {
  readonly form: FeedForm
  readonly path: string
  readonly bytes: number
  readonly truth: {
    readonly rows: number
    readonly value_sum: string
    readonly kwh_by_flow: Readonly<Record<string, string>>
  }
}

/** The feed of a form and size: backfill is few meters with a long history, daily is many meters with one day. */
export function benchFeed(folder: string, form: FeedForm, mb: number): BenchFeed {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${form}-${mb}.xml`)
  const truthPath = join(folder, `${form}-${mb}.json`)
  if (!existsSync(truthPath)) {
    execFileSync(
      cli[0],
      [
        ...cli.slice(1),
        'sim',
        'feed',
        '--form',
        form,
        '--mb',
        String(mb),
        '--seed',
        '7',
        '--out',
        path,
        '--truth',
        truthPath,
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
  }
  const truth = JSON.parse(readFileSync(truthPath, 'utf8')) as BenchFeed['truth'] & { file_bytes: number }
  return { form, path, bytes: truth.file_bytes, truth }
}
