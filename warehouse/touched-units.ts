/** The plan of a commit, from what is staged and what stands. */
import { addDays } from '../schemas/calendar-day.ts'
import type { CommitSession } from './commit-session.ts'
import { daysReachedInto, type IncomingSpan } from './incoming.ts'
import { openOverlay, overlayDays } from './overlay.ts'
import { planOverlay } from './plan-overlay.ts'
import { planUnits, type TouchedDay, type Unit, type UnitLimits } from './plan-units.ts'

/**
 * The units of the staged readings, of days they reach into, and of days whose corrections are folded; makes the table `overlay_row` for
 * them. `reach`: how many days back a reading may cover another, and the shortest length known.
 */
export async function planTouchedUnits(
  session: CommitSession,
  span: IncomingSpan,
  reach: { readonly backDays: number; readonly minDurationS: number | null },
  limits: UnitLimits,
): Promise<Unit[]> {
  const { current, overlay } = session.parent
  const { minDurationS, backDays } = reach
  const days = new Map<string, TouchedDay>(span.days.map((day) => [day.dt, day]))
  // a day reached into matters only where it has rows to cover
  const held = new Set(current.files.map((file) => file.dt))
  const isLonger = held.size > 0 && minDurationS !== null && (span.durationMax ?? 0) > minDurationS
  const reachedInto = new Set(isLonger ? await daysReachedInto(session, minDurationS) : [])
  const standing = await overlayDays(session)
  const readings = current.files.reduce((sum, { rows }) => sum + rows, overlay.adds)
  const plan = planOverlay(span.days, reachedInto, current.files, standing, readings, limits.overlay)
  for (const dt of [...reachedInto, ...plan.folded])
    if (!days.has(dt) && held.has(dt)) days.set(dt, { dt, rows: 0, series: 0 })
  const looked = new Set(days.keys())
  for (const dt of days.keys()) for (let back = 1; back <= backDays; back += 1) looked.add(addDays(dt, -back))
  await openOverlay(session, looked)
  return planUnits([...days.values()], current.files, reach, limits, plan)
}
