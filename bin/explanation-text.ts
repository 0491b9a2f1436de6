/** An explanation for people to read. */
import { commodities, flowDirections } from '../schemas/espi-codes.ts'
import type { ExplainedInterval, ExplainedVersion } from '../warehouse/explain.ts'
import type { LoadLineage } from '../warehouse/load-lineage.ts'
import { formatCount } from './human.ts'

const named = (code: number | null, names: Readonly<Record<number, string>>): string =>
  code === null ? 'unknown' : `${code} (${names[code] ?? 'unlisted'})`

const published = (at: string | null): string => (at === null ? 'not said when published' : `published ${at}`)
const known = (at: string | null, commit: number): string => `known ${at ?? 'since an unknown time'} (commit ${commit})`

/** Control characters would move the terminal's cursor; `--format json` has them. */
// oxlint-disable-next-line no-control-regex -- they are what must not come through
const printable = (xml: string) => xml.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, '·')

export const explanationText = (intervals: readonly ExplainedInterval[]): string =>
  intervals.map(intervalText).join('\n')

function intervalText(interval: ExplainedInterval): string {
  const { usagePointId, meterReadingId, seriesKey, startAt, localDate, versions, confirmations } = interval
  const last = versions.at(-1)
  const lines = [
    `usage point ${usagePointId}, MeterReading ${meterReadingId} (series ${seriesKey})`,
    `interval from ${startAt}, local day ${localDate}`,
    `flow direction ${named(last?.flowDirection ?? null, flowDirections)}, commodity ${named(last?.commodity ?? null, commodities)}`,
    versions.some(({ state }) => state === 'current')
      ? `${versions.length} ${versions.length === 1 ? 'version' : 'versions'}`
      : `${versions.length} versions, none in force: the interval was withdrawn`,
    '',
    ...versions.flatMap((version, at) => versionLines(version, at + 1)),
    ...confirmations.map(
      ({ loadId, publishedAt, knownAt, byteOffset }) =>
        `said again, unchanged, by load ${loadId}: ${published(publishedAt)}, known ${knownAt ?? '-'}, entry at byte ${byteOffset}`,
    ),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

const indented = (lines: readonly string[]) => lines.map((line) => `   ${line}`)

function versionLines(version: ExplainedVersion, ordinal: number): string[] {
  const { state, why, durationS, arithmetic, publishedAt, knownAt, commitId, received, load } = version
  return [
    `${ordinal}. ${state}: ${why}`,
    ...indented([
      `${durationS} s; ${arithmetic}${version.isExact ? '' : `; BUT the lake says ${version.energyKwh} kWh`}`,
      ...readingTypeLines(version),
      ...(version.state === 'withdrawal' ? [] : [tagsText(version)]),
      `${published(publishedAt)}, ${known(knownAt, commitId)}`,
      ...loadLines(load),
      `file ${load.sha256}${received.state === 'shown' ? `, bytes ${received.byteFrom} to ${received.byteTo}${sizeText(version)}` : ''}`,
      ...archiveLines(version),
      ...(received.state === 'shown'
        ? printable(received.xml).split(/\r?\n/)
        : [`bytes not shown: ${received.reason}`]),
    ]),
    '',
  ]
}

const readingTypeLines = ({ readingType, powerOfTen, unit, load }: ExplainedVersion): string[] =>
  readingType === null
    ? []
    : [
        `unit ${unit ?? 'unknown'}, power of ten ${powerOfTen ?? 'unknown'}: ReadingType ${readingType.id}, entry at byte ${readingType.byteOffset} of ${
          readingType.loadId === load.loadId ? 'the same file' : `load ${readingType.loadId}`
        }`,
      ]

const sizeText = ({ archived }: ExplainedVersion): string =>
  archived === undefined
    ? ''
    : ` of ${formatCount(archived.bytes)}${archived.contentCoding === 'gzip' ? ', counted after gunzip' : ''}`

function tagsText(version: ExplainedVersion): string {
  const { quality, qualityCodes, qualityClass, qualitySource, tou, cpp, consumptionTier, cost } = version
  const said = { none: '', reading: ', said by the reading', block: ', said by the block', default: ', by default' }
  const tags = Object.entries({ tou, cpp, 'consumption tier': consumptionTier, 'cost (1e-5)': cost })
  return [
    quality === null
      ? 'no quality'
      : `quality ${qualityCodes ?? quality} (${qualityClass}${said[qualitySource as keyof typeof said] ?? ''})`,
    ...tags.flatMap(([name, value]) => (value === null ? [] : [`${name} ${value}`])),
  ].join(', ')
}

function loadLines({ loadId, status, parser, profile, ...load }: LoadLineage): string[] {
  return [
    `load ${loadId} (${status}), read by ${parser}, profile ${profile}`,
    `received ${load.receivedAt} as ${load.source} ${load.sourceName}${load.correlationId === null ? '' : `, correlationID ${load.correlationId}`}`,
    ...(load.notificationId === null
      ? ['no notification named it']
      : load.notifications.length === 0
        ? [`notification ${load.notificationId}, not in the ledger yet`]
        : load.notifications.map(
            ({ receivedAt, status: outcome }) =>
              `notification ${load.notificationId}, received ${receivedAt}: ${outcome}`,
          )),
    ...load.requests.map(
      ({ requestId, reason, window, askedAt, status: outcome }) =>
        `request ${requestId} (${reason}${window === null ? '' : `, ${window}`}), sent ${askedAt}: ${outcome}`,
    ),
  ]
}

/** Where the archive was told otherwise than the ledger: the same bytes came before, by another way. */
function archiveLines({ archived, load }: ExplainedVersion): string[] {
  if (archived === undefined) return []
  const isSame = archived.source === load.source && archived.sourceName === load.sourceName
  if (isSame && Date.parse(archived.receivedAt) === Date.parse(load.receivedAt)) return []
  return [`first archived ${archived.receivedAt} as ${archived.source} ${archived.sourceName}`]
}
