/** `meterlake verify`: findings as rows, what was looked at on stderr. */
import type { LakeRoots } from '../schemas/load-process.ts'
import { verifyLake, type VerifyPhase } from '../warehouse/verify.ts'
import type { Format } from './command-context.ts'
import { formatBytes, formatCount } from './human.ts'
import { openProgress } from './progress.ts'
import { exitCodes } from './report-error.ts'
import { formatRows, writeAll } from './row-format.ts'

const columns = ['check', 'file', 'problem', 'next'].map((name) => ({ name, type: 'VARCHAR' }))

const phases: Readonly<Record<VerifyPhase, string>> = {
  files: 'files of the lake',
  archive: 'raw archive',
  ledger: 'ledger against history',
  current: 'current against history',
  views: 'views',
}

/** Prints the findings; answers 3 where there are any. Throws LAKE_MISSING. */
export async function showVerification(roots: LakeRoots, format: Format, since: Date | undefined): Promise<number> {
  using progress = openProgress(process.stderr)
  let begun: VerifyPhase | undefined
  const verified = await verifyLake({
    roots,
    since,
    onProgress: (phase, done, total) => {
      if (phase !== begun) progress.start(phases[phase], 0, 0)
      begun = phase
      progress.share(done, total)
    },
  })
  progress[Symbol.dispose]()
  const { findings, skipped, manifest, files, bytes, archived, intervals } = verified
  if (format === 'table' && findings.length === 0) console.log('everything is as it was published')
  else {
    const rows = findings.map(({ check, file, problem, next }) => [check, file, problem, next])
    await writeAll(process.stdout, formatRows(format, columns, [rows]))
  }
  for (const what of skipped) console.error(`not verified: ${what}`)
  console.error(
    `manifest ${manifest}${since === undefined ? '' : `, since ${since.toISOString()}`}: ${formatCount(files)} files and ${formatCount(archived)} archived feeds, ${formatBytes(bytes)}, ${formatCount(intervals)} current intervals; ${findings.length} findings`,
  )
  return findings.length > 0 ? exitCodes.incomplete : exitCodes.done
}
