/** Small feeds as text, in the shape of Share My Data: what a test says is in them, and nothing else. */
import { openFeedReader } from '../../espi/feed-reader.ts'
import type { FeedReader, FeedReaderOptions, FeedSink } from '../../schemas/feed-rows.ts'

export const resourceBase = 'https://api.pge.com/GreenButtonConnect/espi/1_1/resource'

export const pacific: FeedReaderOptions = { timeZone: 'America/Los_Angeles', usagePointIdentity: 'id' }

/** A reader of feeds with these options. */
export const reading =
  (options: FeedReaderOptions = pacific) =>
  (sink: FeedSink): FeedReader =>
    openFeedReader(sink, options)

export const feedOf = (...entries: readonly string[]) =>
  `<a:feed xmlns:a="http://www.w3.org/2005/Atom" xmlns:e="http://naesb.org/espi"><a:id>1</a:id><a:updated>2025-11-04T10:00:00Z</a:updated>${entries.join('')}</a:feed>`

export interface EntryParts {
  readonly self?: string
  readonly up?: string
  readonly related?: readonly string[]
  readonly published?: string | null
  readonly content: string
}

const link = (rel: string, href: string) => `<a:link href="${resourceBase}/${href}" rel="${rel}"/>`

export function entryOf({ self, up, related = [], published = '2025-11-04T09:00:00Z', content }: EntryParts): string {
  const links = [
    ...(up === undefined ? [] : [link('up', up)]),
    ...(self === undefined ? [] : [link('self', self)]),
    ...related.map((href) => link('related', href)),
  ].join('')
  const date = published === null ? '' : `<a:published>${published}</a:published>`
  return `<a:entry><a:id>x</a:id>${links}${date}<a:content>${content}</a:content></a:entry>`
}

const elements = (values: Readonly<Record<string, string | number>>) =>
  Object.entries(values)
    .map(([name, value]) => `<e:${name}>${value}</e:${name}>`)
    .join('')

export const wattHours = {
  commodity: 1,
  flowDirection: 1,
  intervalLength: 3600,
  kind: 12,
  powerOfTenMultiplier: -3,
  uom: 72,
}

export const readingTypeEntry = (
  id: string,
  values: Readonly<Record<string, string | number>> = wattHours,
  published?: string,
) =>
  entryOf({
    self: `ReadingType/${id}`,
    up: 'ReadingType',
    ...(published === undefined ? {} : { published }),
    content: `<e:ReadingType>${elements(values)}</e:ReadingType>`,
  })

export const usagePointEntry = (usagePoint = 'U1', inner = elements({}), subscription = 'S1') =>
  entryOf({
    self: `Subscription/${subscription}/UsagePoint/${usagePoint}`,
    up: `Subscription/${subscription}/UsagePoint`,
    content: `<e:UsagePoint><e:ServiceCategory><e:kind>0</e:kind></e:ServiceCategory>${inner}</e:UsagePoint>`,
  })

export const meterReadingPath = (usagePoint = 'U1', meterReading = 'M1', subscription = 'S1') =>
  `Subscription/${subscription}/UsagePoint/${usagePoint}/MeterReading/${meterReading}`

export const meterReadingEntry = (path = meterReadingPath(), readingType = 'T1') =>
  entryOf({
    self: path,
    up: path.slice(0, path.lastIndexOf('/')),
    related: [`${path}/IntervalBlock`, `ReadingType/${readingType}`],
    content: '<e:MeterReading/>',
  })

export interface ReadingParts {
  readonly start?: string | number
  readonly duration?: string | number
  readonly value?: string | number
  readonly quality?: readonly (string | number)[]
  readonly rest?: string
}

/** 2025-11-04 00:00 in Los Angeles. */
export const november4_s = 1_762_243_200

export function readingXml({
  start = november4_s,
  duration = 3600,
  value = 1,
  quality = [],
  rest = '',
}: ReadingParts = {}): string {
  const qualities = quality
    .map((code) => `<e:ReadingQuality><e:quality>${code}</e:quality></e:ReadingQuality>`)
    .join('')
  const period = `<e:timePeriod><e:duration>${duration}</e:duration><e:start>${start}</e:start></e:timePeriod>`
  return `<e:IntervalReading>${qualities}${period}${value === '' ? '' : `<e:value>${value}</e:value>`}${rest}</e:IntervalReading>`
}

export const blockXml = (...readings: readonly string[]) => `<e:IntervalBlock>${readings.join('')}</e:IntervalBlock>`

export const blockEntry = (readings: readonly string[], path = meterReadingPath(), published?: string | null) =>
  entryOf({
    self: `${path}/IntervalBlock/1`,
    up: `${path}/IntervalBlock`,
    ...(published === undefined ? {} : { published }),
    content: blockXml(...readings),
  })

/** One usage point with one meter and these readings. */
export const meterFeed = (...readings: readonly string[]) =>
  feedOf(readingTypeEntry('T1'), usagePointEntry(), meterReadingEntry(), blockEntry(readings))
