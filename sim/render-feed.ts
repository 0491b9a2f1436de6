/** A package as bytes in PG&E's form (espi/samples/pge-bulk-elec-hourly-1day-2019-10-17.xml), streamed at flat memory. */
import type { UsagePointContent } from './content.ts'
import { type EntryPlan, entriesOf, meterReadingId } from './entry-order.ts'
import type { Service } from './fleet.ts'
import type { FeedPackage } from './package.ts'
import { blockStart_s, renderBlock } from './render-block.ts'
import {
  atomNamespace,
  type EntryFrame,
  espi,
  localTimeParameters,
  programIdMappings,
  readingType,
  renderEntry,
  resourceBase,
  timestamp,
} from './render-entry.ts'
import { renderSummary } from './render-summary.ts'
import { seededUuid } from './seeded.ts'

/** Characters collected before they go out as one buffer. */
const chunkLength = 1 << 19

/**
 * The feed of one service as buffers of about half a MiB, the same bytes for the same package. No XML declaration; a line break after
 * the head and after each usage point, none else; the TOU dictionary last. A package that says nothing of the service gives a feed without usage points.
 */
export function* renderFeed(feedPackage: FeedPackage, service: Service): Generator<Buffer> {
  const { generatedAt_ms, generation } = feedPackage
  const file = service === 'gas' ? 1 : 0
  let text = head(feedPackage, file)
  let last_ms = generatedAt_ms + 1
  for (const content of feedPackage.contents(service)) {
    for (const entry of entriesOf(feedPackage, content)) {
      const frame = frameOf(feedPackage, content, entry)
      text += renderEntry(frame, payloadOf(feedPackage, content, entry))
      last_ms = Math.max(last_ms, entry.published_ms)
      if (text.length < chunkLength) continue
      yield Buffer.from(text, 'latin1')
      text = ''
    }
    text += '\n'
  }
  const id = seededUuid(generation, -3, file)
  text += renderEntry(
    {
      id,
      up: 'ProgramIdMapping',
      self: 'ProgramIdMapping/1',
      related: [],
      title: 'Time Of Use &amp; Consumption Tier Code Info',
      published: timestamp(last_ms + 2),
    },
    programIdMappings,
  )
  yield Buffer.from(`${text}</ns1:feed>`, 'latin1')
}

function head({ generatedAt_ms, generation, fleet }: FeedPackage, file: number): string {
  const ns1 = `xmlns:ns1="${atomNamespace}"`
  return (
    `<ns1:feed xmlns:ns0="${espi}" ${ns1}><ns1:id ${ns1}>${seededUuid(generation, -1, file)}</ns1:id>` +
    `<ns1:title ${ns1} type="text">Green Button Usage Feed</ns1:title>` +
    `<ns1:updated ${ns1}>${timestamp(generatedAt_ms)}</ns1:updated>` +
    `<ns1:link ${ns1} href="${resourceBase}/Batch/Bulk/${fleet.bulkId}" rel="self"/>\n` +
    renderEntry(
      {
        id: seededUuid(generation, -2, file),
        up: 'LocalTimeParameters',
        self: 'LocalTimeParameters/1',
        related: [],
        title: 'DST FOR PACIFIC TIMEZONE',
        published: timestamp(generatedAt_ms - 2054),
      },
      localTimeParameters,
    )
  )
}

function frameOf(feedPackage: FeedPackage, { usagePoint }: UsagePointContent, entry: EntryPlan): EntryFrame {
  const base = `Subscription/${usagePoint.subscriptionId}/UsagePoint/${usagePoint.usagePointId}`
  const common = {
    id: seededUuid(feedPackage.generation, usagePoint.index, entry.ordinal),
    published: timestamp(entry.published_ms),
  }
  const meterReading = (series: Parameters<typeof meterReadingId>[0]): string =>
    `${base}/MeterReading/${meterReadingId(series, usagePoint.usagePointId, feedPackage.generatedAt_ms)}`
  switch (entry.kind) {
    case 'readingType': {
      const self = `ReadingType/${entry.series.readingType.id}`
      return { ...common, up: 'ReadingType', self, related: [], title: 'Type of Meter Reading Data' }
    }
    case 'usagePoint': {
      const related = [`${base}/MeterReading`, `${base}/UsageSummary`, 'LocalTimeParameters/1']
      const up = `Subscription/${usagePoint.subscriptionId}/UsagePoint`
      return { ...common, up, self: base, related, title: 'Green Button Data File' }
    }
    case 'meterReading': {
      const self = meterReading(entry.series)
      const type = `ReadingType/${entry.series.readingType.id}`
      const related = [`${self}/IntervalBlock`, type, 'LocalTimeParameters/1']
      return { ...common, up: `${base}/MeterReading`, self, related, title: 'Green Button Data File' }
    }
    case 'intervalBlock': {
      const up = `${meterReading(entry.block.series)}/IntervalBlock`
      const start_s = blockStart_s(entry.block)
      return { ...common, up, self: `${up}/${start_s}`, related: [], title: `IntervalBlock_${start_s}` }
    }
    default: {
      const up = `${base}/UsageSummary`
      const { summaryId, titleMs } = entry.bill
      return { ...common, up, self: `${up}/${summaryId}`, related: [], title: `UsageSummary_${titleMs}` }
    }
  }
}

function payloadOf(feedPackage: FeedPackage, { usagePoint }: UsagePointContent, entry: EntryPlan): string {
  switch (entry.kind) {
    case 'readingType':
      return readingType(entry.series.readingType)
    case 'usagePoint':
      return `<ns0:UsagePoint xmlns:ns0="${espi}"><ns0:ServiceCategory><ns0:kind>${usagePoint.service === 'gas' ? 1 : 0}</ns0:kind></ns0:ServiceCategory></ns0:UsagePoint>`
    case 'meterReading':
      return `<ns0:MeterReading xmlns:ns0="${espi}"/>`
    case 'intervalBlock':
      return renderBlock(feedPackage.fleet, usagePoint, entry.block)
    default:
      return renderSummary(entry.bill)
  }
}
