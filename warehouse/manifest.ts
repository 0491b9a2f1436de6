/** The manifest: the only commit. Read the newest, create the next one exclusively. */
import { MeterlakeError } from '../schemas/errors.ts'
import { type Manifest, manifestSchema } from '../schemas/manifest.ts'
import { folders, formatPath, parsePath } from './paths.ts'
import type { Storage } from './storage.ts'

/** Numbers of all manifests, ascending. */
export async function manifestNumbers(lake: Storage): Promise<number[]> {
  const numbers: number[] = []
  for (const path of await lake.list(folders.manifests)) {
    const parsed = parsePath(path)
    if (parsed?.kind === 'manifest') numbers.push(parsed.n)
  }
  return numbers.sort((a, b) => a - b)
}

/** Manifest `n`, or undefined where there is none. Raises LAKE_CORRUPT where it cannot be read. */
export async function readManifest(lake: Storage, n: number): Promise<Manifest | undefined> {
  const path = formatPath({ kind: 'manifest', n })
  const bytes = await lake.get(path)
  if (!bytes) return undefined
  try {
    const manifest = manifestSchema.parse(JSON.parse(bytes.toString('utf8')))
    if (manifest.n !== n) throw new TypeError(`it says it is number ${manifest.n}`)
    return manifest
  } catch (cause) {
    throw new MeterlakeError('LAKE_CORRUPT', `manifest ${path} cannot be read`, { path }, { cause })
  }
}

/** The manifest with the highest number; undefined for a lake without commits. */
export async function readNewestManifest(lake: Storage): Promise<Manifest | undefined> {
  const n = (await manifestNumbers(lake)).at(-1)
  return n === undefined ? undefined : await readManifest(lake, n)
}

/** Commits: creates the manifest durably. False where another publisher was first; nothing was written then. */
export async function createManifest(lake: Storage, manifest: Manifest): Promise<boolean> {
  return await lake.putIfAbsent(formatPath({ kind: 'manifest', n: manifest.n }), `${JSON.stringify(manifest)}\n`)
}

/** What the first commit starts from: number 0, no files. It is never written. */
export const emptyManifest = (timeZone: string, version: string): Manifest => ({
  format: 1,
  n: 0,
  knownAt: '1970-01-01T00:00:00.000000Z',
  meterlake: version,
  timeZone,
  loads: [],
  current: { files: [] },
  overlay: { files: [], adds: 0 },
  history: [],
  receipts: [],
  parked: [],
  sharedDays: [],
  tables: {
    usage_point: [],
    meter_reading: [],
    reading_type: [],
    tou_code: [],
    usage_summary: [],
    usage_summary_line: [],
    usage_point_agreement: [],
    usage_point_place: [],
    channel: [],
    confirmation: [],
    alias: [],
    series_pair: [],
    quarantine: [],
    drift: [],
    load: [],
    notification: [],
    authorization: [],
    request: [],
    roster: [],
  },
  raw: [],
  pii: {
    raw: [],
    quarantine: [],
    tables: {
      customer: [],
      customer_account: [],
      customer_agreement: [],
      service_location: [],
      meter: [],
      demand_response_program: [],
      program_date_code: [],
      service_supplier: [],
    },
    keyCheck: null,
  },
  tombstones: [],
  minDurationS: null,
  maxDurationS: 0,
  totals: { readings: 0, versions: 0 },
})

const microsecondsOf = (iso: string): bigint => {
  const fraction = /\.(\d+)Z$/.exec(iso)?.[1] ?? ''
  const whole = BigInt(Date.parse(`${iso.replace(/(\.\d+)?Z$/, '')}Z`)) * 1000n
  return whole + BigInt(fraction.padEnd(6, '0').slice(0, 6))
}

const isoMicroseconds = (us: bigint): string =>
  `${new Date(Number(us / 1000n)).toISOString().slice(0, -1)}${String(us % 1000n).padStart(3, '0')}Z`

/** When a commit becomes known: now, but at least a microsecond after its parent. ISO 8601 with microseconds. */
export function nextKnownAt(parentKnownAt: string, now: Date): string {
  const clock = BigInt(now.getTime()) * 1000n
  const after = microsecondsOf(parentKnownAt) + 1n
  return isoMicroseconds(clock > after ? clock : after)
}
