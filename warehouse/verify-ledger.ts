/** The ledger against what the lake holds: counts of loads, totals of the manifest, loads and their archived files. */
import type { Manifest } from '../schemas/manifest.ts'
import { type TableName, tables } from '../schemas/tables.ts'
import { emptySelect, literal } from './columns.ts'
import { readFiles } from './commit-session.ts'
import type { Database } from './database.ts'
import { type Finding, nextSteps } from './finding.ts'
import { model } from './model.ts'
import { formatPath } from './paths.ts'
import { integerOf, textOf } from './row-values.ts'
import type { Storage } from './storage.ts'

/** Findings of loads committed by `since` or later. Raises SQL_FAILED where a file cannot be read. */
export async function verifyLedger(db: Database, lake: Storage, manifest: Manifest, since: number): Promise<Finding[]> {
  const manifestPath = formatPath({ kind: 'manifest', n: manifest.n })
  const from = (files: readonly { readonly path: string }[], table: TableName) =>
    readFiles(lake, files, emptySelect(tables[table]))
  const named =
    manifest.history.length === 0
      ? `SELECT *, '' AS filename FROM (${emptySelect(tables.history)})`
      : `SELECT * FROM read_parquet([${manifest.history.map(({ path }) => literal(lake.locate(path))).join(', ')}], filename = true)`
  const loads = from(manifest.tables.load, 'load')
  const counts = await db.rows(
    model('verify-ledger', {
      load: loads,
      history: named,
      receipts: from(manifest.receipts, 'receipt'),
      quarantine: from(manifest.tables.quarantine, 'quarantine'),
      drift: from(manifest.tables.drift, 'drift'),
      since,
    }),
  )
  const findings = counts.map((row): Finding => ({
    check: 'ledger',
    file: `load ${textOf(row, 'load_id')} of commit ${integerOf(row, 'commit_id')}`,
    problem: textOf(row, 'problem'),
    next: nextSteps.report,
  }))
  const archived = new Set([...manifest.raw, ...manifest.pii.raw].map(({ sha256 }) => sha256))
  const known = await db.rows(
    `SELECT DISTINCT load_id, sha256 FROM (${loads}) WHERE commit_id >= ${since} ORDER BY ALL`,
  )
  for (const row of known)
    if (!archived.has(textOf(row, 'sha256')))
      findings.push({
        check: 'manifest',
        file: manifestPath,
        problem: `it names no archived file of load ${textOf(row, 'load_id')}`,
        next: nextSteps.report,
      })
  for (const [name, total, files] of [
    ['readings', manifest.totals.readings - manifest.overlay.adds, manifest.current.files],
    ['versions', manifest.totals.versions, manifest.history],
  ] as const) {
    const rows = files.reduce((sum, file) => sum + file.rows, 0)
    if (rows === total) continue
    const problem = `by its totals its files have ${total} ${name}, but they have ${rows}`
    findings.push({ check: 'manifest', file: manifestPath, problem, next: nextSteps.report })
  }
  return findings
}
