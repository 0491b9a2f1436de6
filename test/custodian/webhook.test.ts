import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { loadCertificate } from '../../custodian/certificate.ts'
import type { CertificateFiles } from '../../custodian/certificate.ts'
import { groupCommit } from '../../custodian/group-commit.ts'
import { notificationIdOf } from '../../custodian/notification.ts'
import { openSpool, readSpooled } from '../../custodian/spool.ts'
import type { Spool } from '../../custodian/spool.ts'
import { startWebhook } from '../../custodian/webhook-server.ts'
import type { Webhook, WebhookOptions } from '../../custodian/webhook-server.ts'
import type { ReceivedNotification } from '../../schemas/ingest.ts'
import { makeAuthority } from '../support/certificates.ts'
import { errorOf, openWire } from './wire.ts'
import type { Wire } from './wire.ts'

const base = 'https://api.pge.com/GreenButtonConnect/espi/1_1/resource'
const body = (correlationId: string): Buffer =>
  Buffer.from(
    `<b:BatchList xmlns:b="http://naesb.org/espi"><b:resources>${base}/Batch/Bulk/1?correlationID=${correlationId}</b:resources></b:BatchList>`,
  )
const changed = Buffer.from(
  `<BatchList xmlns="http://naesb.org/espi"><resources>${base}/Authorization/99</resources></BatchList>`,
)

let wire: Wire
let directory: string
let spool: Spool
let webhook: Webhook
let told: ReceivedNotification[]
let count = 0
const logged: string[] = []
const open: ClientRequest[] = []

const say = (fields: object, message: string): void => void logged.push(JSON.stringify({ ...fields, message }))

const optionsOf = (more: Partial<WebhookOptions> = {}): WebhookOptions => ({
  listen: '127.0.0.1:0',
  path: '/notify',
  certificate: wire.client,
  clientCa: wire.authority.ca,
  clientFingerprints: [],
  spool,
  log: { debug: say, info: say, warn: say, error: say },
  onSpooled: (received) => void told.push(received),
  ...more,
})

beforeAll(async () => {
  wire = await openWire()
})
afterAll(() => wire[Symbol.asyncDispose]())
beforeEach(async () => {
  directory = join(wire.folder, `spool-${(count += 1)}`)
  told = []
  spool = await openSpool(directory)
  webhook = await startWebhook(optionsOf())
})
afterEach(async () => {
  for (const request of open.splice(0)) request.destroy()
  await webhook[Symbol.asyncDispose]()
})

interface Sent {
  readonly method?: string
  readonly path?: string
  readonly client?: CertificateFiles | null
  readonly headers?: Record<string, string>
  readonly to?: Webhook
}

async function start({ method = 'POST', path = '/notify', client = wire.client, headers = {}, to = webhook }: Sent) {
  const certificate = client === null ? {} : { cert: await readFile(client.cert), key: await readFile(client.key) }
  const request = httpsRequest({
    host: '127.0.0.1',
    port: to.port,
    method,
    path,
    headers,
    agent: false,
    ca: await readFile(wire.authority.ca),
    ...certificate,
  })
  open.push(request)
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', (response) => resolve(response.resume())).on('error', reject)
  })
  return { request, answer }
}

async function post(bytes: Uint8Array | string, sent: Sent = {}): Promise<number | undefined> {
  const { request, answer } = await start(sent)
  request.end(bytes)
  return (await answer).statusCode
}

const startError = (more: Partial<WebhookOptions>) => errorOf(startWebhook(optionsOf(more)))

const ids = (items: readonly ReceivedNotification[]) => items.map(({ notificationId }) => notificationId)

describe('the webhook', () => {
  it('answers 200 once the body lies in the spool, byte for byte', async () => {
    expect(await post(body('a'))).toBe(200)
    const [item, ...more] = await spool.list('new')
    expect(more).toEqual([])
    expect(item?.notificationId).toBe(notificationIdOf(body('a')))
    expect(await readFile(item?.spoolPath ?? '')).toEqual(body('a'))
    expect(told).toEqual([item])
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect((await stat(item?.spoolPath ?? '')).mode & 0o777).toBe(0o600)
  })

  it('takes the same notification twice as one, also after it was done', async () => {
    expect([await post(body('a')), await post(body('a'))]).toEqual([200, 200])
    expect(await spool.list('new')).toHaveLength(1)
    await spool.finish(notificationIdOf(body('a')))
    expect(await post(body('a'))).toBe(200)
    expect(await spool.list('new')).toEqual([])
    expect(told).toHaveLength(1)
  })

  it('takes "something changed" anew each time', async () => {
    expect([await post(changed), await post(changed)]).toEqual([200, 200])
    expect(await spool.list('new')).toHaveLength(2)
  })

  it('takes an empty list', async () => {
    expect(await post('<BatchList xmlns="http://naesb.org/espi"/>')).toBe(200)
    expect(await spool.list('new')).toHaveLength(1)
  })

  it('keeps what is no BatchList in bad, and says 400', async () => {
    expect(await post('hello')).toBe(400)
    expect(await post('<!DOCTYPE a><a/>')).toBe(400)
    expect(await post('')).toBe(400)
    expect(await spool.list('bad')).toHaveLength(3)
    expect(await spool.list('new')).toEqual([])
    expect(told).toEqual([])
  })

  it('takes POST on its path alone', async () => {
    expect(await post(body('a'), { path: '/other' })).toBe(404)
    expect(await post('', { method: 'GET' })).toBe(405)
    expect(await post(body('a'), { method: 'PUT' })).toBe(405)
    expect(await spool.list('new')).toEqual([])
  })

  it('refuses more than 1 MiB, announced or not', async () => {
    const large = Buffer.alloc((1 << 20) + 1, 0x20)
    expect(await post(large, { headers: { 'content-length': String(large.length) } })).toBe(413)
    expect(await post(large, { headers: { 'transfer-encoding': 'chunked' } })).toBe(413)
    expect(await post(body('a'))).toBe(200)
    expect(await readdir(join(directory, 'bad'))).toEqual([])
  })

  it('says 503 when the spool cannot be written, and 200 when it can again', async () => {
    await rm(directory, { recursive: true })
    await writeFile(directory, 'a file where the spool was')
    expect(await post(body('a'))).toBe(503)
    expect(await post('hello')).toBe(503)
    expect(told).toEqual([])
    expect(logged.at(-2)).toContain('SPOOL_NOT_WRITABLE')
    await rm(directory)
    for (const state of ['new', 'done', 'bad', 'tmp']) await mkdir(join(directory, state), { recursive: true })
    expect(await post(body('a'))).toBe(200)
  })

  it('keeps 500 notifications that come at once', async () => {
    const correlations = Array.from({ length: 500 }, (_, at) => `at-${at}`)
    const statuses = await Promise.all(correlations.map((id) => post(body(id))))
    expect(new Set(statuses)).toEqual(new Set([200]))
    const kept = ids(await spool.list('new'))
    expect(kept.toSorted()).toEqual(correlations.map((id) => notificationIdOf(body(id))).toSorted())
    expect(await readdir(join(directory, 'tmp'))).toEqual([])
  })

  it('demands a certificate of its authority, and of the pinned ones where there are such', async () => {
    const stranger = await (await makeAuthority(join(wire.folder, 'strangers'), 'strangers')).issue('sender')
    expect(await errorOf(post(body('a'), { client: null }))).toBeInstanceOf(Error)
    expect(await errorOf(post(body('a'), { client: stranger }))).toBeInstanceOf(Error)
    const other = await wire.authority.issue('other')
    const { fingerprint } = await loadCertificate(wire.client)
    const pin = fingerprint.toUpperCase().replace(/..(?!$)/g, '$&:')
    await using pinning = await startWebhook(optionsOf({ clientFingerprints: [pin] }))
    expect(await post(body('a'), { to: pinning, client: other })).toBe(403)
    expect(await spool.list('new')).toEqual([])
    expect(await post(body('a'), { to: pinning })).toBe(200)
  })

  it('is not held by a hundred slow senders, and drops them', async () => {
    await using strict = await startWebhook(optionsOf({ requestTimeoutMs: 1500 }))
    const slow = Array.from({ length: 100 }, async () => {
      const { request, answer } = await start({ to: strict, headers: { 'content-length': '1000' } })
      request.write('<')
      const timer = setInterval(() => request.write(' '), 200)
      return answer
        .then(({ statusCode }) => statusCode ?? 0)
        .catch(() => 0)
        .finally(() => clearInterval(timer))
    })
    await new Promise((resolve) => void setTimeout(resolve, 500))
    expect(await post(body('a'), { to: strict })).toBe(200)
    // told 408, or cut off while writing
    expect(new Set([0, 408, ...(await Promise.all(slow))])).toEqual(new Set([0, 408]))
    expect(await spool.list('new')).toHaveLength(1)
    expect(await spool.list('bad')).toEqual([])
  })

  it('a sender that goes away leaves nothing', async () => {
    const { request, answer } = await start({ headers: { 'content-length': '1000' } })
    request.write(body('a').subarray(0, 20))
    setTimeout(() => request.destroy(), 100)
    expect(await errorOf(answer)).toBeInstanceOf(Error)
    expect(await post(body('b'))).toBe(200)
    expect(await spool.list('new')).toHaveLength(1)
    expect(await spool.list('bad')).toEqual([])
  })

  it('takes new certificates without a restart, and keeps the old ones if the new are wrong', async () => {
    const certificate = { cert: join(wire.folder, 'live.pem'), key: join(wire.folder, 'live.key') }
    const use = async (from: CertificateFiles): Promise<void> => {
      await writeFile(certificate.cert, await readFile(from.cert))
      await writeFile(certificate.key, await readFile(from.key))
    }
    await use(wire.client)
    await using live = await startWebhook(optionsOf({ certificate }))
    const served = async (): Promise<string> => {
      const { request, answer } = await start({ to: live, method: 'GET' })
      request.end()
      const { socket } = await answer
      return (socket as TLSSocket).getPeerX509Certificate()?.fingerprint256.replaceAll(':', '').toLowerCase() ?? ''
    }
    const before = await served()
    const renewed = await wire.authority.issue('renewed')
    await use(renewed)
    await live.reload()
    const after = await served()
    expect(after).not.toBe(before)
    expect(after).toBe((await loadCertificate(renewed)).fingerprint)
    await writeFile(certificate.cert, 'torn')
    expect(await errorOf(live.reload())).toMatchObject({ code: 'CONFIG_INVALID' })
    expect(await served()).toBe(after)
  })

  it('says why it cannot start', async () => {
    expect(await startError({ listen: `127.0.0.1:${webhook.port}` })).toMatchObject({
      code: 'CONFIG_INVALID',
      details: { reason: 'EADDRINUSE', setting: 'webhook.listen' },
    })
    expect(await startError({ listen: 'nowhere' })).toMatchObject({ code: 'CONFIG_INVALID' })
    expect(await startError({ clientCa: join(wire.folder, 'none.pem') })).toMatchObject({ code: 'CONFIG_INVALID' })
  })

  it('logs hashes, never URLs', () => {
    expect(logged.length).toBeGreaterThan(20)
    expect(logged.join('\n')).not.toMatch(/correlationID|api\.pge\.com|BatchList/)
  })
})

describe('the spool', () => {
  it('hands out the oldest first, once, and again after release', async () => {
    for (const id of ['a', 'b', 'c']) {
      await spool.put(body(id))
      await new Promise((resolve) => void setTimeout(resolve, 5))
    }
    const [a, b, c] = ['a', 'b', 'c'].map((id) => notificationIdOf(body(id)))
    expect(ids(await spool.claim(2))).toEqual([a, b])
    expect(ids(await spool.claim())).toEqual([c])
    expect(await spool.claim()).toEqual([])
    spool.release(b ?? '')
    expect(ids(await spool.claim())).toEqual([b])
    await spool.finish(a ?? '')
    await spool.finish(a ?? '')
    expect(ids(await spool.list('done'))).toEqual([a])
    // a new process finds what was not finished
    expect(ids(await (await openSpool(directory)).claim())).toEqual([b, c])
  })

  it('finds a body before and after its workflow started', async () => {
    const { spoolPath, notificationId } = await spool.put(body('a'))
    expect(Buffer.from(await readSpooled(spoolPath))).toEqual(body('a'))
    await spool.finish(notificationId)
    expect(Buffer.from(await readSpooled(spoolPath))).toEqual(body('a'))
    expect(await errorOf(readSpooled(join(directory, 'new', 'none.xml')))).toMatchObject({ code: 'ENOENT' })
  })

  it('keeps the time of receipt', async () => {
    const before = Date.now()
    const { notificationId, receivedAt } = await spool.put(body('a'))
    expect(Date.parse(receivedAt)).toBeGreaterThanOrEqual(before - 1000)
    await spool.finish(notificationId)
    expect((await spool.list('done'))[0]?.receivedAt).toBe(receivedAt)
    expect(await spool.put(body('a'))).toMatchObject({ receivedAt, duplicate: true })
  })

  it('does not take what is no notification', async () => {
    expect(await errorOf(spool.put(Buffer.from('hello')))).toMatchObject({ code: 'NOTIFICATION_MALFORMED' })
    expect(await errorOf(spool.put(Buffer.alloc(2 << 20, 0x20)))).toMatchObject({ code: 'NOTIFICATION_TOO_LARGE' })
    expect(await spool.list('new')).toEqual([])
  })

  it('cannot be opened where it cannot be written', async () => {
    const file = join(wire.folder, 'a-file')
    await writeFile(file, '')
    expect(await errorOf(openSpool(file))).toMatchObject({ code: 'SPOOL_NOT_WRITABLE' })
  })
})

describe('a group commit', () => {
  it('flushes after every call, and for many callers at once', async () => {
    let flushes = 0
    let begun = 0
    const commit = groupCommit(async () => {
      begun = flushes += 1
      await new Promise((resolve) => void setTimeout(resolve, 5))
    })
    const waiting = Array.from({ length: 50 }, async (_, at) => {
      await new Promise((resolve) => void setTimeout(resolve, at % 10))
      const before = begun
      await commit('x')
      return begun > before
    })
    expect(await Promise.all(waiting)).not.toContain(false)
    expect(flushes).toBeLessThan(20)
  })

  it('gives its error to those who shared it, and goes on', async () => {
    let fails = true
    const commit = groupCommit(() => (fails ? Promise.reject(new Error('full')) : Promise.resolve()))
    const results = await Promise.allSettled([commit(1), commit(1), commit(1)])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    fails = false
    await commit(1)
  })
})
