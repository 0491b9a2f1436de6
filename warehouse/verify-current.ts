/** What is current, overlay and all, against the winners of history: they are worked out again, days at a time. */
import { addDays } from '../schemas/calendar-day.ts'
import type { CurrentFile, Manifest } from '../schemas/manifest.ts'
import { tables } from '../schemas/tables.ts'
import { emptySelect, identifier, literal } from './columns.ts'
import { readFiles } from './commit-session.ts'
import { currentSource } from './current-source.ts'
import type { Database, Row } from './database.ts'
import { type DaySpan, daySpans, firstDay, lastDay } from './day-spans.ts'
import { type Finding, nextSteps } from './finding.ts'
import { model } from './model.ts'
import { restoredValue } from './packed-value.ts'
import { instantOf, textOf } from './row-values.ts'
import type { Storage } from './storage.ts'
import { contentText, versionOrder } from './version-content.ts'

/** What is worked out again at once: all days from one to another, or only some of them. */
interface VerifiedSpan extends DaySpan {
  readonly days?: readonly string[]
}

/**
 * Spans to verify. All days, without holes from the first day of history to its last, so that a day which `current` lacks is seen; or
 * only the given ones. Pure.
 */
export function verifiedSpans(manifest: Manifest, only?: ReadonlySet<string>): readonly VerifiedSpan[] {
  const { files } = manifest.current
  if (only !== undefined) {
    const some = files.filter(({ dt }) => only.has(dt))
    if (some.length === 0) return []
    return daySpans(some).map((span) => ({
      ...span,
      days: [...new Set(some.map(({ dt }) => dt))].filter((dt) => dt >= span.from && dt <= span.to),
    }))
  }
  const spans = daySpans(files)
  return spans.map((span, at) => {
    const next = spans[at + 1]
    // what lies between two spans belongs to the former
    return { ...span, from: at === 0 ? firstDay : span.from, to: next ? addDays(next.from, -1) : lastDay }
  })
}

/** Findings of some spans of days. Raises SQL_FAILED where a file cannot be read. */
export async function verifyCurrent(
  db: Database,
  lake: Storage,
  manifest: Manifest,
  spans: readonly VerifiedSpan[],
  onSpan: (done: number) => void,
): Promise<Finding[]> {
  const findings = overlaps(manifest.current.files)
  const columns = tables.current.fields.map((field) => `v.${identifier(field.name)}`)
  const stored = tables.current.fields.map((field) =>
    field.name === 'value' ? `${restoredValue('v')} AS value` : `v.${identifier(field.name)}`,
  )
  for (const [at, span] of spans.entries()) {
    const condition = span.days
      ? `local_date IN (${span.days.map((day) => `DATE ${literal(day)}`).join(', ')})`
      : `local_date BETWEEN DATE ${literal(span.from)} AND DATE ${literal(span.to)}`
    const files = manifest.current.files.filter(
      ({ dt }) => dt >= span.from && dt <= span.to && (!span.days || span.days.includes(dt)),
    )
    const history = manifest.history.filter(({ dtMin, dtMax }) => dtMax >= span.from && dtMin <= span.to)
    const overlay = manifest.overlay.files.filter(({ dtMin, dtMax }) => dtMax >= span.from && dtMin <= span.to)
    const rows = currentSource({ current: { files }, overlay: { ...manifest.overlay, files: overlay } }, (path) =>
      lake.locate(path),
    )
    const different = await db.rows(
      model('verify-current', {
        columns: columns.join(', '),
        stored_columns: stored.join(', '),
        winners: model('history-at', {
          history: `(${readFiles(lake, history, emptySelect(tables.history))})`,
          commits: 'SELECT NULL::BIGINT AS commit_id',
          condition: `h.${condition}`,
          content: contentText,
          order: versionOrder(),
        }),
        current: `SELECT * FROM ${rows} WHERE ${condition}`,
      }),
    )
    findings.push(...differences(different, files), ...(await misplaced(db, lake, files)))
    onSpan(at + 1)
  }
  return findings
}

/** One finding a file, with how many intervals and where the first is. */
function differences(rows: readonly Row[], files: readonly CurrentFile[]): Finding[] {
  const byFile = Map.groupBy(rows, (row) => {
    const key = BigInt(textOf(row, 'series_key'))
    const dt = textOf(row, 'dt')
    return (
      files.find((file) => file.dt === dt && key >= BigInt(file.keyMin) && key <= BigInt(file.keyMax))?.path ??
      `current/dt=${dt}`
    )
  })
  return [...byFile].map(([file, some]) => {
    const kinds = ['missing', 'extra', 'changed'].flatMap((kind) => {
      const n = some.filter((row) => row['kind'] === kind).length
      return n === 0 ? [] : [`${n} ${kind}`]
    })
    const [first] = some
    const where = `series ${textOf(first, 'series_key')} at ${(first && instantOf(first, 'start_at')) ?? ''}`
    return {
      check: 'current',
      file,
      problem: `its intervals are not the winners of history: ${kinds.join(', ')}; first ${where}`,
      next: nextSteps.report,
    }
  })
}

/** Rows in a file of another day or of other series than the manifest says. */
async function misplaced(db: Database, lake: Storage, files: readonly CurrentFile[]): Promise<Finding[]> {
  if (files.length === 0) return []
  const told = files.map(
    ({ path, dt, keyMin, keyMax }) =>
      `(${literal(lake.locate(path))}, DATE ${literal(dt)}, ${keyMin}::BIGINT, ${keyMax}::BIGINT, ${literal(path)})`,
  )
  const rows = await db.rows(
    `SELECT path, count(*)::INTEGER AS n FROM read_parquet([${files.map(({ path }) => literal(lake.locate(path))).join(', ')}], filename = true, hive_partitioning = false) v
     JOIN (VALUES ${told.join(', ')}) t(filename, dt, key_min, key_max, path) USING (filename)
     WHERE v.local_date <> t.dt OR v.series_key NOT BETWEEN t.key_min AND t.key_max GROUP BY path ORDER BY path`,
  )
  return rows.map((row) => ({
    check: 'current',
    file: textOf(row, 'path'),
    problem: `${Number(row['n'])} of its rows are of another day or of other series than the manifest says`,
    next: nextSteps.report,
  }))
}

/** Files of one day whose ranges of series overlap: their rows would count twice. */
function overlaps(files: readonly CurrentFile[]): Finding[] {
  return [...Map.groupBy(files, ({ dt }) => dt).values()].flatMap((some) => {
    const inOrder = some.toSorted((a, b) => (BigInt(a.keyMin) < BigInt(b.keyMin) ? -1 : 1))
    return inOrder.flatMap((file, at): Finding[] => {
      const before = inOrder[at - 1]
      if (!before || BigInt(before.keyMax) < BigInt(file.keyMin)) return []
      const problem = `its range of series overlaps that of ${before.path}`
      return [{ check: 'manifest', file: file.path, problem, next: nextSteps.report }]
    })
  })
}
