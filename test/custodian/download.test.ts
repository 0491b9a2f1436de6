import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Custodian } from '../../custodian/custodian.ts'
import { sharedPath } from '../support/shared.ts'
import { accessToken, errorOf, everythingOf, openWire, secret } from './wire.ts'
import type { Wire } from './wire.ts'

const feed = Buffer.from(
  `<ns1:feed xmlns:ns1="http://www.w3.org/2005/Atom"><e:x xmlns:e="http://naesb.org/espi">${'a'.repeat(300_000)}</e:x></ns1:feed>`,
)
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const path = 'Batch/Bulk/50916?correlationID=fffa5bc1-81f7-4239-b244-b462762f7724'

let wire: Wire
let custodian: Custodian
let directory: string
let folders = 0

beforeAll(async () => {
  wire = await openWire()
})
afterAll(() => wire[Symbol.asyncDispose]())
beforeEach(async () => {
  custodian = await wire.custodian()
  await wire.giveToken()
  directory = join(wire.folder, `incoming-${(folders += 1)}`)
  wire.seen.length = 0
})
afterEach(() => custodian[Symbol.asyncDispose]())

const answering =
  (status: number, body: string | Uint8Array = '', headers: Record<string, string> = {}) =>
  (_: unknown, response: ServerResponse): void =>
    void response.writeHead(status, headers).end(body)

const get = (more: Partial<Parameters<Custodian['download']>[0]> = {}) =>
  custodian.download({ resource: wire.resource(path), directory, ...more })

const failing = async (status: number, body?: string | Uint8Array, headers?: Record<string, string>) => {
  wire.handler = answering(status, body, headers)
  return errorOf(get())
}

const filesLeft = () => readdir(directory).catch(() => [])

describe('a download', () => {
  it('puts the bytes on disk, private, with hash and count', async () => {
    wire.handler = answering(200, feed, { 'content-length': String(feed.length), 'x-transaction': 'theirs' })
    const got = await get({ transaction: 'ours' })
    expect(got).toMatchObject({ sha256: sha256(feed), bytes: feed.length, kind: 'usage', transaction: 'theirs' })
    expect(await readFile(got.path)).toEqual(feed)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect((await stat(got.path)).mode & 0o777).toBe(0o600)
    expect(wire.seen[0]?.headers).toMatchObject({ authorization: `Bearer ${accessToken}`, 'x-transaction': 'ours' })
  })

  it('keeps the URL byte for byte', async () => {
    wire.handler = answering(200, feed)
    const odd = `Batch/Bulk/a=b,c%3D?correlationID=x'y|z"%20&a=[b]&published-min=2020-01-01T00:00:00Z`
    await get({ resource: wire.resource(odd) })
    expect(wire.seen[0]?.url).toBe(`/espi/1_1/resource/${odd}`)
  })

  it('reports progress up to the whole', async () => {
    const big = Buffer.concat([feed, Buffer.alloc(3_000_000, 'b')])
    wire.handler = answering(200, big, { 'content-length': String(big.length) })
    const seen: { bytes: number; totalBytes: number | null }[] = []
    await get({ onProgress: (progress) => seen.push(progress) })
    expect(seen.length).toBeGreaterThan(2)
    expect(seen.at(-1)).toEqual({ bytes: big.length, totalBytes: big.length })
  })

  it.each(['content-encoding', 'none'])('decodes gzip (%s)', async (announced) => {
    wire.handler = answering(200, gzipSync(feed), announced === 'none' ? {} : { 'content-encoding': 'gzip' })
    const got = await get()
    expect(got.sha256).toBe(sha256(feed))
    expect(await readFile(got.path)).toEqual(feed)
  })

  it('takes the real samples as they are, told apart by namespace', async () => {
    const samples = sharedPath('espi/samples')
    if (samples === undefined) return
    const kinds: Record<string, string> = {}
    for (const name of (await readdir(samples)).filter((file) => /^(pge|sce|gba|quirk|seed)-.*\.xml$/.test(file))) {
      const bytes = await readFile(join(samples, name))
      wire.handler = answering(200, bytes)
      const got = await get()
      expect([name, got.sha256]).toEqual([name, sha256(bytes)])
      kinds[name] = got.kind
    }
    expect(Object.keys(kinds).length).toBeGreaterThan(10)
    expect(Object.keys(kinds).filter((name) => kinds[name] === 'customer')).toEqual([
      'gba-customer-subscription-feed.xml',
      'pge-batch-retailcustomer.xml',
    ])
  })

  it('takes the kind of an empty feed from what was asked for', async () => {
    wire.handler = answering(200, '<ns1:feed xmlns:ns1="http://www.w3.org/2005/Atom"/>')
    const got = await get({ resource: { ...wire.resource('Batch/BulkRetailCustomerInfo/1'), feed: 'customer' } })
    expect(got.kind).toBe('customer')
  })
})

describe('an answer that is no feed', () => {
  it.each([
    [202, '', 'NOT_READY'],
    [204, '', 'NO_DATA'],
    [400, 'Invalid Certificate', 'CERTIFICATE_REFUSED'],
    [400, "client credentials doesn't match", 'REQUEST_REFUSED'],
    [401, '', 'TOKEN_EXPIRED'],
    [403, 'Invalid access token', 'TOKEN_EXPIRED'],
    [404, 'No listener for endpoint: /path', 'RESOURCE_GONE'],
    [410, '', 'RESOURCE_GONE'],
    [429, '', 'RATE_LIMITED'],
    [500, 'Internal Server Error', 'CUSTODIAN_UNAVAILABLE'],
    [502, '<html><body>Bad gateway</body></html>', 'CUSTODIAN_UNAVAILABLE'],
    [503, '', 'CUSTODIAN_UNAVAILABLE'],
    [200, 'Date Range Too Large', 'FEED_NOT_XML'],
    [200, '<!DOCTYPE html><html><body>Sign in</body></html>', 'FEED_NOT_XML'],
    [200, '{"success": false}', 'FEED_NOT_XML'],
    [200, 'PK\u0003\u0004zip', 'FEED_NOT_XML'],
    [200, '', 'FEED_EMPTY'],
  ])('%i %j is %s', async (status, body, code) => {
    const error = await failing(status, body)
    expect(error).toMatchObject({ name: 'MeterlakeError', code })
    expect(everythingOf(error)).not.toContain(accessToken)
    expect(await filesLeft()).toEqual([])
    expect(wire.seen).toHaveLength(1)
  })

  it('says what text came', async () => {
    expect((await failing(200, 'Date Range Too Large')).details).toMatchObject({
      kind: 'text',
      excerpt: 'Date Range Too Large',
    })
  })

  it('does not quote what may be data', async () => {
    const table = `name,kwh\n${'Jane Doe,12\n'.repeat(200)}`
    expect((await failing(200, table)).details).toMatchObject({ kind: 'text', excerpt: '' })
  })

  it('keeps the label of the transaction', async () => {
    expect((await failing(404, '', { 'x-transaction': 'theirs' })).details).toMatchObject({ transaction: 'theirs' })
  })

  it('names the token that was not accepted, not the token', async () => {
    const { fingerprint } = (await custodian.currentToken()) ?? {}
    const error = await failing(403, `Invalid access token ${accessToken}`)
    expect(error.details).toMatchObject({ fingerprint, alias: 'cca', status: 403 })
    expect(everythingOf(error)).not.toContain(accessToken)
  })

  it.each([
    ['7', 7000],
    [new Date(Date.now() + 100_000).toUTCString(), 100_000],
  ])('Retry-After %s is in the details', async (header, expected) => {
    for (const status of [429, 503]) {
      const waited = (await failing(status, '', { 'retry-after': header })).details?.['retryAfterMs'] as number
      expect(waited).toBeGreaterThan(expected - 30_000)
      expect(waited).toBeLessThanOrEqual(expected)
    }
  })

  it('refuses a redirect and does not follow it', async () => {
    const error = await failing(302, '', { location: `${wire.origin}/espi/1_1/resource/elsewhere` })
    expect(error).toMatchObject({ code: 'REQUEST_REFUSED', details: { status: 302 } })
    expect(wire.seen).toHaveLength(1)
  })

  it('sends nothing without a valid token', async () => {
    await wire.giveToken(1_000, 3_599_000)
    expect(await errorOf(get())).toMatchObject({ code: 'TOKEN_EXPIRED', details: { alias: 'cca' } })
    expect(wire.seen).toEqual([])
  })

  it.each(['https://evil.example/espi/1_1/resource/Batch/Bulk/1', 'http://127.0.0.1/espi/1_1/resource/Batch/Bulk/1'])(
    'sends nothing outside the allow-list: %s',
    async (url) => {
      expect(await errorOf(get({ resource: { ...wire.resource(''), url } }))).toMatchObject({ code: 'URL_REFUSED' })
      expect(wire.seen).toEqual([])
    },
  )
})

describe('a body that goes wrong', () => {
  it('shorter than promised: BODY_INCOMPLETE, nothing left', async () => {
    wire.handler = (_, response) => {
      response.writeHead(200, { 'content-length': String(feed.length) }).write(feed.subarray(0, 200_000))
      setTimeout(() => response.destroy(), 20)
    }
    expect(await errorOf(get())).toMatchObject({ code: 'BODY_INCOMPLETE', details: { totalBytes: feed.length } })
    expect(await filesLeft()).toEqual([])
  })

  it('shorter than promised, and closed politely: BODY_INCOMPLETE', async () => {
    wire.handler = (_, response) => {
      response.socket?.end(`HTTP/1.1 200 OK\r\ncontent-length: ${feed.length}\r\n\r\n${feed.toString().slice(0, 1000)}`)
    }
    expect(await errorOf(get())).toMatchObject({ code: 'BODY_INCOMPLETE', details: { bytes: 1000 } })
    expect(await filesLeft()).toEqual([])
  })

  it('chunked and cut: BODY_INCOMPLETE', async () => {
    wire.handler = (_, response) => {
      response.writeHead(200).write(feed.subarray(0, 200_000))
      setTimeout(() => response.destroy(), 20)
    }
    expect(await errorOf(get())).toMatchObject({ code: 'BODY_INCOMPLETE' })
    expect(await filesLeft()).toEqual([])
  })

  it('silent in the middle: BODY_INCOMPLETE after the body timeout', async () => {
    await using impatient = await wire.custodian({ timeouts: { connectMs: 5000, headersMs: 5000, bodyMs: 300 } })
    wire.handler = (_, response) => void response.writeHead(200).write(feed.subarray(0, 200_000))
    const error = await errorOf(impatient.download({ resource: wire.resource(path), directory }))
    expect(error).toMatchObject({ code: 'BODY_INCOMPLETE', details: { reason: 'UND_ERR_BODY_TIMEOUT' } })
  })

  it('the same bytes twice at a time are two files: who is done with one does not take the other', async () => {
    wire.handler = answering(200, feed)
    const [one, other] = await Promise.all([get(), get()])
    expect(one.sha256).toBe(other.sha256)
    await rm(one.path)
    expect(await readFile(other.path)).toEqual(feed)
  })

  it('what a killed process left is swept away in time', async () => {
    await mkdir(directory)
    const [dead, whole, live] = ['dead.part', 'whole.xml', 'live.part'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ]
    for (const file of [dead, whole, live]) await writeFile(file, 'x')
    const longAgo = new Date(Date.now() - 7_200_000)
    for (const file of [dead, whole]) await utimes(file, longAgo, longAgo)
    wire.handler = answering(200, feed)
    const got = await get()
    expect(new Set(await filesLeft())).toEqual(new Set([basename(got.path), 'live.part']))
  })

  it('slow, and aborted: the reason of the signal, nothing left', async () => {
    const reason = new Error('cancelled by the workflow')
    const controller = new AbortController()
    wire.handler = (_, response) => {
      response.writeHead(200).write(feed.subarray(0, 200_000))
      setTimeout(() => controller.abort(reason), 50)
    }
    expect(await errorOf(get({ signal: controller.signal }))).toBe(reason)
    expect(await filesLeft()).toEqual([])
  })

  it('aborted before the answer', async () => {
    const reason = new Error('cancelled by the workflow')
    const controller = new AbortController()
    wire.handler = () => controller.abort(reason)
    expect(await errorOf(get({ signal: controller.signal }))).toBe(reason)
  })

  it.each(['announced', 'bare'])('gzip cut in the middle (%s): BODY_INCOMPLETE', async (how) => {
    const zipped = gzipSync(Buffer.from(`<feed xmlns="http://naesb.org/espi">${randomText(400_000)}`))
    const headers: Record<string, string> = how === 'bare' ? {} : { 'content-encoding': 'gzip' }
    expect(await failing(200, zipped.subarray(0, zipped.length - 5000), headers)).toMatchObject({
      code: 'BODY_INCOMPLETE',
    })
    expect(await filesLeft()).toEqual([])
  })

  it('a gzip bomb: FEED_LIMIT, nothing left', async () => {
    const bomb = gzipSync(
      Buffer.concat([Buffer.from('<feed xmlns="http://naesb.org/espi">'), Buffer.alloc(64 * 2 ** 20, 0x20)]),
    )
    expect(await failing(200, bomb, { 'content-encoding': 'gzip' })).toMatchObject({ code: 'FEED_LIMIT' })
    expect(await filesLeft()).toEqual([])
  })

  it.each(['content-encoding', 'none'])('a long page, compressed (%s), is left early', async (announced) => {
    const page = gzipSync(Buffer.from(`<html><body>Sign in ${randomText(4_000_000)}`))
    const headers: Record<string, string> = announced === 'none' ? {} : { 'content-encoding': 'gzip' }
    expect(await failing(200, page, headers)).toMatchObject({ code: 'FEED_NOT_XML', details: { kind: 'html' } })
    expect(await filesLeft()).toEqual([])
  })

  it('an encoding that was not asked for', async () => {
    expect(await failing(200, feed, { 'content-encoding': 'br' })).toMatchObject({ code: 'FEED_NOT_XML' })
  })

  it('a folder that cannot be: LAKE_NOT_WRITABLE', async () => {
    await writeFile(directory, 'a file')
    wire.handler = answering(200, feed)
    expect(await errorOf(get())).toMatchObject({ code: 'LAKE_NOT_WRITABLE' })
  })
})

const bulk = (more = {}) => custodian.requestBulk({ feed: 'usage', transaction: 'ours', directory, ...more })

describe('bulk requests and status', () => {
  it('202, 204, 200', async () => {
    wire.handler = answering(202, '', { 'x-transaction': 'theirs' })
    const range = { publishedMin: '2026-11-01T00:00:00-07:00', publishedMax: '2026-11-02T00:00:00.000Z' }
    expect(await bulk(range)).toEqual({ status: 'accepted', transaction: 'theirs' })
    expect(wire.seen[0]?.url).toBe(
      '/espi/1_1/resource/Batch/Bulk/50916?published-min=2026-11-01T07:00:00Z&published-max=2026-11-02T00:00:00Z',
    )
    wire.handler = answering(204)
    expect(await bulk({ feed: 'customer' })).toEqual({ status: 'no_data', transaction: null })
    expect(wire.seen[1]?.url).toBe('/espi/1_1/resource/Batch/BulkRetailCustomerInfo/50916')
    wire.handler = answering(200, feed)
    expect(await bulk()).toMatchObject({ status: 'ready', feed: { sha256: sha256(feed) } })
  })

  it('a request already being prepared is accepted', async () => {
    wire.handler = answering(400, 'An unprocessed batch request for the same resource already exists')
    expect(await bulk()).toMatchObject({ status: 'accepted' })
  })

  it('by change time', async () => {
    wire.handler = answering(202)
    const seen = wire.seen.length
    await bulk({ updatedMin: '2026-11-01T07:00:00Z', updatedMax: '2026-11-02T07:59:59Z' })
    expect(wire.seen[seen]?.url).toBe(
      '/espi/1_1/resource/Batch/Bulk/50916?updated-min=2026-11-01T07:00:00Z&updated-max=2026-11-02T07:59:59Z',
    )
  })

  it('a range too large, with 400 or in words with 200; nothing with 200', async () => {
    for (const status of [400, 200]) {
      wire.handler = answering(status, 'Date Range Too Large', { 'content-type': 'text/plain' })
      expect(await bulk()).toMatchObject({ status: 'too_large' })
    }
    wire.handler = answering(200, '')
    expect(await bulk()).toMatchObject({ status: 'no_data' })
    wire.handler = answering(400, 'Invalid date')
    expect(await errorOf(bulk())).toMatchObject({ code: 'REQUEST_REFUSED' })
  })

  it('a date without zone is refused here', async () => {
    expect(await errorOf(bulk({ publishedMin: '2026-11-01' }))).toMatchObject({ code: 'USAGE' })
  })

  it('ReadServiceStatus', async () => {
    wire.handler = answering(
      200,
      '<ServiceStatus xmlns="http://naesb.org/espi"><currentStatus> 1 </currentStatus></ServiceStatus>',
    )
    expect(await custodian.serviceStatus()).toEqual({ currentStatus: 1 })
    wire.handler = answering(200, 'OK')
    expect(await errorOf(custodian.serviceStatus())).toMatchObject({ code: 'FEED_NOT_XML' })
    wire.handler = answering(403)
    expect(await errorOf(custodian.serviceStatus())).toMatchObject({ code: 'TOKEN_EXPIRED' })
  })

  it('no log line holds a token, a secret or a query', () => {
    expect(wire.logged.length).toBeGreaterThan(5)
    for (const line of wire.logged)
      for (const word of [accessToken, secret, 'correlationID']) expect(line).not.toContain(word)
  })
})

/** Does not compress well. */
function randomText(length: number): string {
  let state = 7
  return Array.from({ length }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return String.fromCharCode(97 + (state % 26))
  }).join('')
}
