import { readFile, stat, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { createServer } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { loadCertificate } from '../../custodian/certificate.ts'
import { excerptOf } from '../../custodian/excerpt.ts'
import { profiles, resolveProfile } from '../../custodian/profile.ts'
import { retryAfterMsOf } from '../../custodian/refusal.ts'
import { fileTokenStore, tokenFingerprint } from '../../custodian/token-store.ts'
import { parseTokenAnswer } from '../../custodian/token.ts'
import { custodianConfigSchema } from '../../schemas/config.ts'
import { makeAuthority } from '../support/certificates.ts'
import { sharedPath } from '../support/shared.ts'
import { accessToken, errorOf, everythingOf, openWire, secret } from './wire.ts'
import type { Wire } from './wire.ts'

const basic = Buffer.from(`00123:${secret}`).toString('base64')

let wire: Wire
beforeAll(async () => {
  wire = await openWire()
})
afterAll(() => wire[Symbol.asyncDispose]())
beforeEach(() => {
  wire.seen.length = 0
})

const answering =
  (status: number, body = '', headers: Record<string, string> = {}) =>
  (_: unknown, response: ServerResponse): void =>
    void response.writeHead(status, headers).end(body)

const code = async (files: Parameters<typeof loadCertificate>[0]) => (await errorOf(loadCertificate(files))).code

const excerpt = (text: string): string => excerptOf(Buffer.from(text))

describe('the token', () => {
  it.each(['body', 'query'] as const)('is asked for once, grant in the %s', async (tokenGrant) => {
    await using custodian = await wire.custodian({ overrides: { tokenGrant } })
    wire.handler = answering(200, JSON.stringify({ client_access_token: accessToken, expires_in: 3600 }))
    const handle = await custodian.refreshToken()
    expect(handle.fingerprint).toBe(tokenFingerprint(accessToken))
    expect(Date.parse(handle.expiresAt) - Date.now()).toBeGreaterThan(3_500_000)
    expect(await custodian.currentToken()).toEqual(handle)
    expect((await wire.tokenStore.get('cca'))?.token).toBe(accessToken)
    expect(JSON.stringify(handle)).not.toContain(accessToken)
    const inQuery = tokenGrant === 'query'
    expect(wire.seen).toHaveLength(1)
    expect(wire.seen[0]).toMatchObject({
      method: 'POST',
      url: inQuery ? '/oauth/v2/token?grant_type=client_credentials' : '/oauth/v2/token',
      body: inQuery ? '' : 'grant_type=client_credentials',
      headers: { authorization: `Basic ${basic}` },
    })
  })

  it.each([
    ['{"client_access_token":"t","expires_in":3600}', 3600],
    ['{"client_access_token":"t","expires_in":"300"}', 300],
    ['{"access_token":"t","expires_in":60,"token_type":"Bearer"}', 60],
    ['{"access_token":"other","client_access_token":"t"}', 300],
    ['\uFEFF {"access_token":"t","expires_in":null}', 300],
    ['<Response><client_access_token>t</client_access_token><expires_in> 3600 </expires_in></Response>', 3600],
    ['<?xml version="1.0"?>\n<a:R xmlns:a="x"><a:client_access_token>\n t\n</a:client_access_token></a:R>', 300],
  ])('%s', (answer, life_s) => {
    expect(parseTokenAnswer(Buffer.from(answer))).toEqual({ token: 't', life_s })
  })

  it('of a real Green Button server', async () => {
    const path = sharedPath('espi/samples/gba-token-response-bulk.json')
    if (path === undefined) return
    expect(parseTokenAnswer(await readFile(path))).toEqual({ token: 'OPAQUE_ACCESS_TOKEN', life_s: 3600 })
  })

  it.each([
    [400, 'Invalid Certificate', 'CERTIFICATE_REFUSED'],
    [400, '{"error":"invalid_request","error_description":"client_id is empty"}', 'TOKEN_REFUSED'],
    [401, '', 'TOKEN_REFUSED'],
    [403, 'invalid_client', 'TOKEN_REFUSED'],
    [404, 'No listener for endpoint: /path', 'REQUEST_REFUSED'],
    [405, '{"error":"invalid_request","error_description":"GET not permitted"}', 'REQUEST_REFUSED'],
    [302, '', 'REQUEST_REFUSED'],
    [429, '', 'RATE_LIMITED'],
    [503, '', 'CUSTODIAN_UNAVAILABLE'],
    [200, '{"error":"invalid_client"}', 'TOKEN_REFUSED'],
    [200, '', 'TOKEN_MALFORMED'],
    [200, '<html>', 'TOKEN_MALFORMED'],
    [200, '<!DOCTYPE a [<!ENTITY b "c">]><a><access_token>&b;</access_token></a>', 'TOKEN_MALFORMED'],
    [200, `{"access_token":"${accessToken}","expires_in":"soon"}`, 'TOKEN_MALFORMED'],
    [200, `{"access_token":"${accessToken}","expires_in":0}`, 'TOKEN_MALFORMED'],
    [200, `{"access_token":"${accessToken}\\r\\nx-evil: 1"}`, 'TOKEN_MALFORMED'],
    [200, `{"access_token":"${'a'.repeat(70_000)}"}`, 'TOKEN_MALFORMED'],
  ])('%i %j is %s and tells no secret', async (status, body, code) => {
    await using custodian = await wire.custodian()
    wire.handler = answering(status, body, { location: '/elsewhere' })
    const error = await errorOf(custodian.refreshToken())
    expect(error).toMatchObject({ code })
    for (const word of [secret, basic, accessToken]) expect(everythingOf(error)).not.toContain(word)
    expect(wire.seen).toHaveLength(1)
  })

  it('a gateway that echoes the request gives nothing away', async () => {
    await using custodian = await wire.custodian()
    wire.handler = ({ headers }, response) =>
      void response.writeHead(400).end(`Bad Request ${headers.authorization} secret=${secret} token: ${accessToken}`)
    const error = await errorOf(custodian.refreshToken())
    expect(error.message).toContain('Bad Request')
    for (const word of [secret, basic, accessToken]) expect(everythingOf(error)).not.toContain(word)
  })

  it('rests in a private file, and a damaged one counts as none', async () => {
    const directory = join(wire.folder, 'tokens')
    const store = fileTokenStore(directory)
    expect(await store.get('cca')).toBeUndefined()
    const token = { token: accessToken, issuedAt: '2026-11-22T00:00:00.000Z', expiresAt: '2026-11-22T01:00:00.000Z' }
    await store.put('cca', { ...token, token: 'older' })
    await store.put('cca', token)
    expect(await fileTokenStore(directory).get('cca')).toEqual(token)
    const path = join(directory, 'token-cca.json')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    await writeFile(path, '{"token":')
    expect(await store.get('cca')).toBeUndefined()
    expect(await errorOf(store.get('../cca'))).toMatchObject({ code: 'CONFIG_INVALID' })
    const blocked = await errorOf(fileTokenStore(path).put('cca', token))
    expect(blocked).toMatchObject({ code: 'LAKE_NOT_WRITABLE' })
    expect(everythingOf(blocked)).not.toContain(accessToken)
  })
})

describe('the connection', () => {
  it('without our authority’s certificate is refused', async () => {
    const stranger = await makeAuthority(join(wire.folder, 'stranger'), 'stranger')
    const certificate = { ...(await stranger.issue('client')), ca: wire.authority.ca }
    await using custodian = await wire.custodian({ certificate })
    wire.handler = answering(200, '{"access_token":"t"}')
    const error = await errorOf(custodian.refreshToken())
    expect(['CONNECTION_FAILED', 'CERTIFICATE_REFUSED']).toContain(error.code)
    expect(error.message).toContain('client certificate')
    expect(wire.seen).toEqual([])
  })

  it('to a server whose certificate is another authority’s is refused by us', async () => {
    const stranger = await makeAuthority(join(wire.folder, 'stranger-2'), 'stranger')
    await using custodian = await wire.custodian({ certificate: { ...wire.client, ca: stranger.ca } })
    const error = await errorOf(custodian.refreshToken())
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED' })
    expect(error.details?.['reason']).toMatch(/VERIFY|ISSUER|SELF_SIGNED/)
    expect(wire.seen).toEqual([])
  })

  it('below TLS 1.2 is refused', async () => {
    const server = await wire.authority.issue('old')
    const tls = createServer({
      cert: await readFile(server.cert),
      key: await readFile(server.key),
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    })
    await new Promise<void>((resolve) => void tls.listen(0, '127.0.0.1', resolve))
    const { openHttp } = await import('../../custodian/http.ts')
    await using http = openHttp(await loadCertificate(wire.client))
    const url = `https://127.0.0.1:${(tls.address() as AddressInfo).port}/`
    const error = await errorOf(http.send({ method: 'GET', url, what: 'old', transaction: 'x' }))
    tls.close()
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED' })
    expect(error.details?.['reason']).toMatch(/PROTOCOL|VERSION/)
  })

  it('to a port where nobody listens', async () => {
    const { openHttp } = await import('../../custodian/http.ts')
    await using http = openHttp(await loadCertificate(wire.client))
    const closed = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const { port } = server.address() as AddressInfo
        server.close(() => resolve(port))
      })
    })
    const url = `https://127.0.0.1:${closed}/?token=${accessToken}`
    const error = await errorOf(
      http.send({
        method: 'GET',
        url,
        what: 'status',
        headers: { authorization: `Bearer ${accessToken}` },
        transaction: 'x',
      }),
    )
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', details: { reason: 'ECONNREFUSED' } })
    expect(everythingOf(error)).not.toContain(accessToken)
  })

  it('the test’s server does demand a certificate', async () => {
    const { port } = new URL(wire.origin)
    const said = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\n\r\n'))
      socket.on('data', (data) => resolve(data.toString('latin1'))).on('close', () => resolve(''))
      socket.on('error', () => resolve(''))
    })
    expect(said).not.toContain('HTTP/1.1 200')
  })
})

describe('certificates', () => {
  it('must be there, be PEM, match, be in time', async () => {
    const other = await wire.authority.issue('other')
    const expired = await wire.authority.issue('expired', { notAfter: new Date(Date.now() - 1000) })
    const text = join(wire.folder, 'text.pem')
    await writeFile(text, 'hello')
    const { cert, key } = wire.client
    expect(await code({ cert: `${cert}.none`, key })).toBe('CONFIG_INVALID')
    expect(await code({ cert: text, key })).toBe('CONFIG_INVALID')
    expect(await code({ cert, key: text })).toBe('CONFIG_INVALID')
    expect(await code({ cert, key, ca: text })).toBe('CONFIG_INVALID')
    expect(await code({ cert, key: other.key })).toBe('CONFIG_INVALID')
    expect(await code(expired)).toBe('CERTIFICATE_REFUSED')
    const loaded = await loadCertificate(wire.client)
    expect(loaded.fingerprint).toMatch(/^[0-9a-f]{64}$/)
    expect(loaded.notAfter.getTime()).toBeGreaterThan(Date.now())
  })
})

describe('profiles', () => {
  it('PG&E is whole as it is; another utility needs endpoints', () => {
    const pge = resolveProfile('pge')
    expect(pge).toMatchObject({ timeZone: 'America/Los_Angeles', usagePointIdentity: 'id', limits: { perSecond: 1 } })
    expect(pge.endpoints.bulk).toBe('Batch/Bulk/{bulkId}')
    expect(() => resolveProfile('espi')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    const endpoints = { token: 'https://u.example/token', resource: 'https://u.example/espi/' }
    expect(resolveProfile('espi', { endpoints }).endpoints.resource).toBe('https://u.example/espi')
    expect(profiles.espi.usagePointIdentity).toBe('path')
  })

  it('take what the configuration file gives', () => {
    const config = custodianConfigSchema.parse({
      overrides: {
        endpoints: { token: 'https://sim.example/t', resource: 'https://sim.example/r' },
        timeZone: undefined,
      },
      client_id: '00123',
      client_secret: { env: 'X' },
      bulk_id: '50916',
      certificate: { cert: 'c', key: 'k' },
    })
    const profile = resolveProfile(config.profile, config.overrides)
    expect(profile.endpoints).toMatchObject({ token: 'https://sim.example/t', bulk: 'Batch/Bulk/{bulkId}' })
    expect(profile).toMatchObject({ timeZone: 'America/Los_Angeles', limits: { perDayPerClient: 20_000 } })
  })

  it.each([
    [{ endpoints: { token: 'http://api.pge.com/token' } }, 'endpoints.token'],
    [{ endpoints: { resource: 'https://me@api.pge.com/x' } }, 'endpoints.resource'],
    [{ timeZone: 'Mars/Olympus' }, 'timeZone'],
    [{ limits: { perSecond: 0 } }, 'limits.perSecond'],
  ])('%j is refused by name', (overrides, name) => {
    expect(() => resolveProfile('pge', overrides)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(name) }),
    )
  })
})

describe('small rules', () => {
  it('Retry-After', () => {
    const now = new Date('2026-11-22T00:00:00Z')
    expect(retryAfterMsOf('120', now)).toBe(120_000)
    expect(retryAfterMsOf('Sun, 22 Nov 2026 00:01:00 GMT', now)).toBe(60_000)
    expect(retryAfterMsOf('Sun, 22 Nov 2020 00:01:00 GMT', now)).toBe(0)
    for (const bad of ['', '-1', '1.5', 'soon', undefined]) expect(retryAfterMsOf(bad, now)).toBeUndefined()
  })

  it('an excerpt is one short harmless line', () => {
    expect(excerpt('Date Range Too Large')).toBe('Date Range Too Large')
    expect(excerpt('<html><style>b{}</style><body>Bad\n\t<b>Gateway</b></body></html>')).toBe('Bad Gateway')
    expect(excerpt('access_token=abc, mail jane@example.com, account 4155551234')).toBe(
      'access_token=[…], mail […] account […]',
    )
    expect(excerpt('see https://a.example/x?token=abc now')).toBe('see https://a.example/x?[…] now')
    expect(excerpt('word '.repeat(200)).length).toBeLessThan(170)
    expect(excerptOf(Buffer.from('no client hunter here'), ['hunter'])).toBe('no client […] here')
  })
})
