/** IntervalBlock as XML. */
import type { BlockPlan } from './content.ts'
import type { Fleet, UsagePointPlan } from './fleet.ts'
import { absent, createBlockReadings, fillBlock } from './interval-block.ts'
import { startOfDay_s } from './pacific-day.ts'
import { espi } from './render-entry.ts'

/** Start of the block, Unix seconds: local midnight, for gas one second later. It is the id of the block too. */
export function blockStart_s(block: BlockPlan): number {
  return startOfDay_s(block.day) + (block.series.channel === 'gas' ? 1 : 0)
}

const readings = createBlockReadings()

/** The payload of an IntervalBlock entry: quality (if said), duration, start, value, tou (if said) of each reading. */
export function renderBlock(fleet: Fleet, usagePoint: UsagePointPlan, block: BlockPlan): string {
  fillBlock(fleet, usagePoint, block, readings)
  const { n, start_s, duration_s, reading_s, readingStart_s, value, quality, secondQuality, tou } = readings
  let text =
    `<ns0:IntervalBlock xmlns:ns0="${espi}"><ns0:interval><ns0:duration>${duration_s}</ns0:duration>` +
    `<ns0:start>${start_s}</ns0:start></ns0:interval>`
  for (let at = 0; at < n; at += 1) {
    text += '<ns0:IntervalReading>'
    if (quality[at] !== absent) text += readingQuality(quality[at] as number)
    if (secondQuality[at] !== absent) text += readingQuality(secondQuality[at] as number)
    text +=
      `<ns0:timePeriod><ns0:duration>${reading_s}</ns0:duration><ns0:start>${readingStart_s[at]}</ns0:start></ns0:timePeriod>` +
      `<ns0:value>${value[at]}</ns0:value>`
    text += tou[at] === absent ? '</ns0:IntervalReading>' : `<ns0:tou>${tou[at]}</ns0:tou></ns0:IntervalReading>`
  }
  return `${text}</ns0:IntervalBlock>`
}

const readingQuality = (code: number): string =>
  `<ns0:ReadingQuality><ns0:quality>${code}</ns0:quality></ns0:ReadingQuality>`
