/**
 * LocalTimeParameters are not believed (senders get rules and even signs wrong): local time follows the zone of the profile. Where
 * they contradict it, that is said.
 */
import type { Entry } from './entry.ts'
import type { ContentPayload } from './leaf-record.ts'
import type { LocalTime } from './local-time.ts'

const january_s = 1_736_899_200 // 2025-01-15
const july_s = 1_752_537_600 // 2025-07-15

/** Warns where the offsets sent are not those of the zone. Throws LeafError where they are no integers. */
export function checkLocalTimeParameters(
  entry: Entry,
  payload: ContentPayload,
  local: LocalTime,
  timeZone: string,
  path: string,
): void {
  const offset_s = payload.integer('tzOffset')
  const dst_s = payload.integer('dstOffset')
  const offsets = [local.offsetS(january_s), local.offsetS(july_s)]
  const standard_s = Math.min(...offsets)
  const zoneDst_s = Math.max(...offsets) - standard_s
  const wrong = [
    ...(offset_s !== null && offset_s !== standard_s ? [`tzOffset ${offset_s} against ${standard_s}`] : []),
    ...(dst_s !== null && zoneDst_s > 0 && dst_s !== zoneDst_s ? [`dstOffset ${dst_s} against ${zoneDst_s}`] : []),
  ]
  if (wrong.length === 0) return
  entry.warn(
    'LOCAL_TIME_CONFLICT',
    path,
    `not the time zone of the profile, ${timeZone}, which is used: ${wrong.join(', ')}`,
  )
}
