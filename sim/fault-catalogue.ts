/** The faults by name, for people: what `meterlake sim --fault` and the control endpoint take, and what `--help` lists. */
import { z } from 'zod'
import { type Fault, type FaultEffect, faultSchema, type NotificationFault, type RequestFault } from './fault.ts'

interface NamedFault {
  readonly name: string
  /** One line for --help. `N` stands for the number that may follow the name. */
  readonly line: string
  /** The N where none is given; absent: the name takes no number. */
  readonly usual?: number
  fault(n: number): Fault
}

const ofPackage = (effect: FaultEffect): RequestFault => ({ path: /\/Batch\//, of: 'package', effect })
const ofRequest = (effect: FaultEffect): RequestFault => ({ path: /\/Batch\//, of: 'request', effect })
const ofToken = (effect: FaultEffect): RequestFault => ({ path: /\/token$/, effect })
const ofNotification = (effect: NotificationFault['effect']): NotificationFault => ({ effect })

const text = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): FaultEffect => ({
  kind: 'answer',
  status,
  body,
  headers: { 'content-type': 'text/plain', ...headers },
})

const serviceDown = '<ServiceStatus xmlns="http://naesb.org/espi"><currentStatus>0</currentStatus></ServiceStatus>'

const catalogue: readonly NamedFault[] = [
  {
    name: 'silence',
    line: 'an ad hoc request gets 202, its notification never comes',
    fault: () => ofRequest({ kind: 'silence' }),
  },
  {
    name: 'early',
    line: 'the notification of an ad hoc request comes before its 202',
    fault: () => ofRequest({ kind: 'early' }),
  },
  { name: 'lost', line: 'a notification is never sent', fault: () => ofNotification({ kind: 'lost' }) },
  {
    name: 'duplicated',
    line: 'a notification is sent N times (2)',
    usual: 2,
    fault: (times) => ofNotification({ kind: 'duplicated', times }),
  },
  {
    name: 'reordered',
    line: 'a notification goes out after the one that follows it',
    fault: () => ofNotification({ kind: 'reordered' }),
  },
  {
    name: 'split',
    line: 'a notification for each URL, the last first',
    fault: () => ofNotification({ kind: 'split' }),
  },
  {
    name: 'late',
    line: 'a notification comes N days late (3) by the simulated clock (POST /clock puts it forward)',
    usual: 3,
    fault: (days) => ofNotification({ kind: 'late', delay_s: days * 86_400 }),
  },
  {
    name: 'sentinel',
    line: 'a test URL (correlationID 000000000) stands in a notification',
    fault: () => ofNotification({ kind: 'sentinel' }),
  },
  {
    name: 'empty',
    line: 'an empty list is sent before a notification',
    fault: () => ofNotification({ kind: 'empty' }),
  },
  {
    name: 'foreign',
    line: 'URLs of other hosts, schemes and paths stand in a notification',
    fault: () => ofNotification({ kind: 'foreign' }),
  },
  {
    name: 'invalid-certificate',
    line: '400 Invalid Certificate for a package',
    fault: () => ofPackage(text(400, 'Invalid Certificate')),
  },
  {
    name: 'forbidden',
    line: '403 for a package: its token is taken for expired',
    fault: () => ofPackage(text(403, 'Invalid access token')),
  },
  { name: 'gone', line: '404 for a package', fault: () => ofPackage(text(404, 'Not Found')) },
  {
    name: 'expired',
    line: '404 for a package as after five days (POST /clock lets them pass)',
    fault: () => ofPackage(text(404, 'No such package, or it has expired')),
  },
  {
    name: 'busy',
    line: '429 with Retry-After N seconds (2) for a package',
    usual: 2,
    fault: (seconds) => ofPackage(text(429, 'slow down', { 'retry-after': String(seconds) })),
  },
  {
    name: 'busy-untold',
    line: '429 without Retry-After for a package',
    fault: () => ofPackage(text(429, 'slow down')),
  },
  {
    name: 'unavailable',
    line: '503 with Retry-After N seconds (2) for a package',
    usual: 2,
    fault: (seconds) => ofPackage(text(503, 'maintenance', { 'retry-after': String(seconds) })),
  },
  {
    name: 'unavailable-untold',
    line: '503 without Retry-After for a package',
    fault: () => ofPackage(text(503, 'maintenance')),
  },
  {
    name: 'reset',
    line: 'the connection is reset after N bytes (1000) of a package',
    usual: 1000,
    fault: (bytes) => ofPackage({ kind: 'reset', bytes }),
  },
  {
    name: 'truncated',
    line: 'a package ends after N bytes (1000), its Content-Length promises all',
    usual: 1000,
    fault: (bytes) => ofPackage({ kind: 'truncate', bytes, contentLength: true }),
  },
  {
    name: 'truncated-untold',
    line: 'a package ends after N bytes (1000), and nothing says so',
    usual: 1000,
    fault: (bytes) => ofPackage({ kind: 'truncate', bytes, contentLength: false }),
  },
  {
    name: 'slow',
    line: 'a package comes in pieces of 10,000 bytes, N ms (100) between them',
    usual: 100,
    fault: (delayMs) => ofPackage({ kind: 'slow', bytes: 10_000, delayMs }),
  },
  { name: 'gzip', line: 'a package is gzipped and says so', fault: () => ofPackage({ kind: 'gzip', header: true }) },
  {
    name: 'gzip-untold',
    line: 'a package is gzipped and does not say so',
    fault: () => ofPackage({ kind: 'gzip', header: false }),
  },
  {
    name: 'html',
    line: '200 with an HTML page instead of a package',
    fault: () =>
      ofPackage(text(200, '<!DOCTYPE html><html><body>Sign in</body></html>', { 'content-type': 'text/html' })),
  },
  {
    name: 'wrong-type',
    line: 'a package comes as Content-Type text/html',
    fault: () => ofPackage({ kind: 'type', contentType: 'text/html' }),
  },
  {
    name: 'prefixes',
    line: 'the prefixes of a feed have other names',
    fault: () => ofPackage({ kind: 'rewritten', how: 'prefixes' }),
  },
  {
    name: 'meter-ids',
    line: 'the MeterReading ids of a feed are encoded anew',
    fault: () => ofPackage({ kind: 'rewritten', how: 'meter-ids' }),
  },
  { name: 'token-xml', line: 'a token comes as XML', fault: () => ofToken({ kind: 'token', format: 'xml' }) },
  {
    name: 'token-without-expiry',
    line: 'a token does not say when it expires',
    fault: () => ofToken({ kind: 'token', expiresIn: 'absent' }),
  },
  {
    name: 'token-short',
    line: 'a token lives for N seconds (5)',
    usual: 5,
    fault: (life_s) => ofToken({ kind: 'token', life_s }),
  },
  {
    name: 'service-down',
    line: 'ReadServiceStatus says 0, unavailable',
    fault: () => ({
      path: /\/ReadServiceStatus$/,
      effect: text(200, serviceDown, { 'content-type': 'application/xml' }),
    }),
  },
]

/** `NAME[=N][@2,3|@all]`: the fault of that name, on these ordinals (absent: the next one). Throws RangeError. */
export function namedFault(named: string): Fault {
  const [, name, n, on] = /^([a-z-]+)(?:=(\d{1,9}))?(?:@(all|\d{1,4}(?:,\d{1,4})*))?$/.exec(named) ?? []
  const found = catalogue.find((one) => one.name === name)
  if (found === undefined) throw new RangeError(`${named} names no fault`)
  if (n !== undefined && found.usual === undefined) throw new RangeError(`${found.name} takes no number`)
  const fault = found.fault(Number(n ?? found.usual ?? 0))
  if (on === undefined) return fault
  return { ...fault, on: on === 'all' ? on : on.split(',').map(Number) }
}

const title = ({ name, usual }: NamedFault): string => (usual === undefined ? name : `${name}[=N]`)

/** A line for each. */
export function faultLines(): readonly string[] {
  const width = Math.max(...catalogue.map((one) => title(one).length))
  return catalogue.map((one) => `  ${title(one).padEnd(width)}  ${one.line}`)
}

export const faultNames: readonly string[] = catalogue.map(({ name }) => name)

/**
 * Faults as JSON says them (a script file, the control endpoint): a list, in which a text is a name of the catalogue (`busy`, `reset=300@2`).
 * `path` is a suffix. Throws for what is none.
 */
export function parseFaults(json: unknown): readonly Fault[] {
  return z
    .array(z.unknown())
    .parse(json)
    .map((one) => (typeof one === 'string' ? namedFault(one) : faultSchema.parse(one)))
}
