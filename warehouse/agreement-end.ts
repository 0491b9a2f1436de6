/** Whether a service agreement is over, and when it ended or is to end, by what its entry says. Pure. */

type Cell = string | number | boolean | null

/** Words for what is over, among the free texts of docStatus and futureStatus (PG&E: Active, Closing). */
const overWords = /\b(?:clos|cancel|terminat|inactiv|stopp|ended|expired|void)/i

const textOf = (cell: Cell | undefined): string | null => (typeof cell === 'string' ? cell : null)

/** Of a row of customer_agreement; `ended_at` is the earliest end it tells a date of, ISO 8601. */
export function agreementEnd(row: Readonly<Record<string, Cell | undefined>>): {
  readonly is_closed: true | null
  readonly ended_at: string | null
} {
  const isOver = (column: string) => overWords.test(textOf(row[column]) ?? '')
  const isClosed = isOver('doc_status')
  const ends = [
    isClosed ? textOf(row['doc_status_at']) : null,
    isOver('future_status') ? textOf(row['future_status_at']) : null,
    validityEnd(textOf(row['valid_from_at']), row['valid_duration_s']),
  ].filter((end) => end !== null)
  return { is_closed: isClosed || null, ended_at: ends.sort((a, b) => Date.parse(a) - Date.parse(b))[0] ?? null }
}

/** A validity of no length, or one beyond all calendars, has no end. */
function validityEnd(from: string | null, duration_s: Cell | undefined): string | null {
  const seconds = Number(duration_s ?? 0)
  if (from === null || !(seconds > 0)) return null
  const end = new Date(Date.parse(from) + seconds * 1000)
  return end.getTime() < Date.UTC(10_000, 0) ? end.toISOString() : null
}
