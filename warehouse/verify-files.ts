/** Files of the lake against what their manifest says of them: size, SHA-256, rows, days. */
import type { Database } from './database.ts'
import { literal } from './columns.ts'
import { sha256Of } from './commit-session.ts'
import { type Finding, nextSteps } from './finding.ts'
import { type NamedFile, shownPath } from './named-files.ts'
import { integerOf, textOf } from './row-values.ts'
import type { Storage } from './storage.ts'

/** Tables that are not in the raw archive: no replay without a ledger can bring them back. */
const onlyCopies = new Set(['load', 'notification', 'request', 'authorization'])

export const nextStepOf = ({ kind }: NamedFile): string => (onlyCopies.has(kind) ? nextSteps.only : nextSteps.derived)

/** Files whose footers are read together. */
const footersAtOnce = 256

/** Findings by file, for those that are not what the manifest says. `onFile` is told of each as it is done. */
export async function verifyFiles(
  db: Database,
  storageOf: (file: NamedFile) => Storage,
  files: readonly NamedFile[],
  onFile: (file: NamedFile) => void,
): Promise<Map<NamedFile, Finding>> {
  const findings = new Map<NamedFile, Finding>()
  const found = (file: NamedFile, problem: string, next = nextStepOf(file)) =>
    void findings.set(file, { check: 'file', file: shownPath(file), problem, next })
  for (const file of files) {
    const { path, bytes, sha256 } = file.ref
    const storage = storageOf(file)
    const size = await storage.size(path)
    if (size === undefined) found(file, 'it is not there')
    else if (size !== bytes) found(file, `it has ${size} bytes, the manifest says ${bytes}`)
    else if ((await sha256Of(storage.locate(path))) !== sha256)
      found(file, 'its bytes are not those that were written: SHA-256 differs')
    onFile(file)
  }
  const whole = files.filter((file) => !findings.has(file))
  for (let at = 0; at < whole.length; at += footersAtOnce) {
    const some = whole.slice(at, at + footersAtOnce)
    const facts = await footersOf(
      db,
      some.map((file) => storageOf(file).locate(file.ref.path)),
    )
    for (const file of some) {
      const fact = facts.get(storageOf(file).locate(file.ref.path))
      if (!fact) found(file, 'it cannot be read as Parquet')
      else if (fact.rows !== file.ref.rows)
        found(file, `it has ${fact.rows} rows, the manifest says ${file.ref.rows}`, nextSteps.report)
      else if ('dtMin' in file.ref && 'dtMax' in file.ref && fact.rows > 0) {
        const { dtMin, dtMax } = file.ref as { dtMin: string; dtMax: string }
        if (fact.dtMin < dtMin || fact.dtMax > dtMax)
          found(
            file,
            `it holds days ${fact.dtMin} to ${fact.dtMax}, the manifest says ${dtMin} to ${dtMax}`,
            nextSteps.report,
          )
      }
    }
  }
  return findings
}

interface Footer {
  readonly rows: number
  /** Earliest and latest local_date; '' where it has none. */
  readonly dtMin: string
  readonly dtMax: string
}

async function footersOf(db: Database, paths: readonly string[]): Promise<ReadonlyMap<string, Footer>> {
  const read = async (some: readonly string[]) => {
    const list = `[${some.map(literal).join(', ')}]`
    return await db.rows(
      `SELECT f.file_name AS path, f.num_rows::INTEGER AS rows, m.dt_min, m.dt_max FROM parquet_file_metadata(${list}) f
       LEFT JOIN (SELECT file_name, min(stats_min_value) AS dt_min, max(stats_max_value) AS dt_max FROM parquet_metadata(${list})
         WHERE path_in_schema = 'local_date' GROUP BY file_name) m USING (file_name)`,
    )
  }
  let rows: Awaited<ReturnType<typeof read>> = []
  try {
    rows = await read(paths)
  } catch {
    // one of them cannot be read: which?
    for (const path of paths) rows.push(...(await read([path]).catch(() => [])))
  }
  return new Map(
    rows.map((row) => [
      textOf(row, 'path'),
      { rows: integerOf(row, 'rows'), dtMin: textOf(row, 'dt_min'), dtMax: textOf(row, 'dt_max') },
    ]),
  )
}
