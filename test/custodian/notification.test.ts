import { readFile } from 'node:fs/promises'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { notificationIdOf, planNotification } from '../../custodian/notification.ts'
import { resolveProfile } from '../../custodian/profile.ts'
import { sharedPath } from '../support/shared.ts'

const pge = resolveProfile('pge')
const base = 'https://api.pge.com/GreenButtonConnect/espi/1_1/resource'
const bulk = (correlationId: string): string => `${base}/Batch/Bulk/50916?correlationID=${correlationId}`

const escape = (url: string): string => url.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const list = (urls: readonly string[], namespace = 'http://naesb.org/espi'): Buffer =>
  Buffer.from(
    `<ns0:BatchList xmlns:ns0="${namespace}">${urls.map((url) => `<ns0:resources>${escape(url)}</ns0:resources>`).join('\n')}</ns0:BatchList>`,
  )
const plan = (...urls: string[]) => planNotification(list(urls), pge)

describe('a BatchList', () => {
  it.each(['pge-notify-batchlist-2resources.xml', 'pge-notify-batchlist-with-literal-backslash-n.txt'])(
    'real, %s: both resources',
    async (name) => {
      const path = sharedPath(`espi/samples/${name}`)
      if (path === undefined) return
      const got = planNotification(await readFile(path), pge)
      expect(got).toMatchObject({ status: 'ingest', refused: 0, message: null })
      expect(got.resources.map(({ feed, correlationId }) => [feed, correlationId?.length])).toEqual([
        ['usage', 36],
        ['usage', 36],
      ])
    },
  )

  it('real, of another utility in a default namespace', async () => {
    const path = sharedPath('espi/samples/gba-notify-batchlist.xml')
    if (path === undefined) return
    const endpoints = {
      token: 'https://utilityapi.com/token',
      resource: 'https://utilityapi.com/DataCustodian/espi/1_1/resource',
    }
    const bytes = await readFile(path)
    expect(planNotification(bytes, resolveProfile('espi', { endpoints })).resources).toEqual([
      {
        url: 'https://utilityapi.com/DataCustodian/espi/1_1/resource/Batch/Subscription/503888?published-min=2025-01-01T00:00:00Z&published-max=2025-02-01T00:00:00Z',
        correlationId: null,
        feed: 'usage',
      },
    ])
    expect(planNotification(bytes, pge)).toMatchObject({ status: 'refused', refused: 1 })
  })

  it.each([
    ['customer namespace', list([bulk('a')], 'http://naesb.org/espi/customer')],
    ['BOM and declaration', Buffer.concat([Buffer.from('\uFEFF<?xml version="1.0"?>'), list([bulk('a')])])],
    ['singular', Buffer.from(`<BatchList xmlns="http://naesb.org/espi"><resource>${bulk('a')}</resource></BatchList>`)],
    [
      'lower case',
      Buffer.from(`<batchList xmlns="http://naesb.org/espi"><resources> ${bulk('a')}\n</resources></batchList>`),
    ],
    [
      'CDATA',
      Buffer.from(
        `<b:BatchList xmlns:b="http://naesb.org/espi"><b:resources><![CDATA[${bulk('a')}]]></b:resources></b:BatchList>`,
      ),
    ],
    [
      'in Atom',
      Buffer.from(
        `<feed xmlns="http://www.w3.org/2005/Atom"><entry><content>${list([bulk('a')]).toString()}</content></entry></feed>`,
      ),
    ],
    ['logged newline at the end', Buffer.concat([list([bulk('a')]), Buffer.from('\\n')])],
  ])('%s', (_, bytes) => {
    expect(planNotification(bytes, pge)).toMatchObject({
      status: 'ingest',
      resources: [{ url: bulk('a'), correlationId: 'a' }],
    })
  })

  it.each([
    ['nothing', ''],
    ['text', 'hello'],
    ['JSON', '{"resources":[]}'],
    ['cut', '<BatchList xmlns="http://naesb.org/espi"><resources>'],
    ['no namespace', '<BatchList><resources>x</resources></BatchList>'],
    ['undeclared prefix', '<n:BatchList><n:resources>x</n:resources></n:BatchList>'],
    ['another document', '<feed xmlns="http://www.w3.org/2005/Atom"/>'],
    ['DOCTYPE', '<!DOCTYPE BatchList [<!ENTITY a "b">]><BatchList xmlns="http://naesb.org/espi"/>'],
    ['unknown entity', '<BatchList xmlns="http://naesb.org/espi"><resources>&a;</resources></BatchList>'],
    ['two roots', '<BatchList xmlns="http://naesb.org/espi"/><BatchList xmlns="http://naesb.org/espi"/>'],
    ['deep', `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`],
    ['over 1 MiB', `<BatchList xmlns="http://naesb.org/espi">${' '.repeat(1 << 20)}</BatchList>`],
  ])('malformed: %s', (_, text) => {
    const got = planNotification(Buffer.from(text), pge)
    expect(got).toMatchObject({ status: 'malformed', resources: [], refused: 0 })
    expect(got.message).not.toBeNull()
  })

  it('not UTF-8', () => {
    expect(planNotification(Buffer.from([0x3c, 0x61, 0xff, 0x3e]), pge).status).toBe('malformed')
  })

  it('empty, sentinel, the same twice', () => {
    expect(plan()).toMatchObject({ status: 'empty', resources: [] })
    expect(planNotification(Buffer.from('<BatchList xmlns="http://naesb.org/espi"/>'), pge).status).toBe('empty')
    expect(plan(bulk('000000000'), bulk('000000000-b'))).toMatchObject({
      status: 'sentinel',
      resources: [],
      refused: 0,
    })
    expect(plan(bulk('0000000001')).status).toBe('ingest')
    expect(plan(bulk('a'), bulk('a'), bulk('b')).resources.map(({ correlationId }) => correlationId)).toEqual([
      'a',
      'b',
    ])
    expect(plan(bulk('000000000'), bulk('a'))).toMatchObject({ status: 'ingest', resources: [{ correlationId: 'a' }] })
  })
})

describe('the allow-list', () => {
  it.each([
    ['Batch/Bulk/50916', 'usage'],
    ['Batch/BulkRetailCustomerInfo/50916?correlationID=a', 'customer'],
    ['Batch/BulkRetailDRPrgInfo/50916', 'program'],
    ['Batch/Subscription/7', 'usage'],
    ['Batch/Subscription/7/UsagePoint/8%3D', 'usage'],
    ['Batch/RetailCustomer/7', 'customer'],
    ['Authorization', 'authorization'],
    ['Authorization/99', 'authorization'],
  ])('holds %s', (path, feed) => {
    expect(plan(`${base}/${path}`).resources).toMatchObject([{ url: `${base}/${path}`, feed }])
  })

  it.each([['https://API.PGE.com:443/GreenButtonConnect/espi/1_1/resource/Batch/Bulk/1']])(
    'takes the same host written otherwise, verbatim: %s',
    (url) => {
      expect(plan(url).resources).toMatchObject([{ url }])
    },
  )

  it.each([
    ['foreign host', 'https://evil.example/GreenButtonConnect/espi/1_1/resource/Batch/Bulk/1'],
    ['host as prefix', 'https://api.pge.com.evil.example/GreenButtonConnect/espi/1_1/resource/Batch/Bulk/1'],
    ['http', 'http://api.pge.com/GreenButtonConnect/espi/1_1/resource/Batch/Bulk/1'],
    ['other scheme', 'sftp://api.pge.com/GreenButtonConnect/espi/1_1/resource/Batch/Bulk/1'],
    ['port', 'https://api.pge.com:8443/GreenButtonConnect/espi/1_1/resource/Batch/Bulk/1'],
    ['userinfo', 'https://api.pge.com@evil.example/GreenButtonConnect/espi/1_1/resource/Batch/Bulk/1'],
    ['userinfo here', 'https://me:pw@api.pge.com/GreenButtonConnect/espi/1_1/resource/Batch/Bulk/1'],
    ['dots', `${base}/Batch/Bulk/../../../../../datacustodian`],
    ['dots as id', `${base}/Batch/Bulk/..`],
    ['encoded dots', `${base}/Batch/Bulk/%2e%2e`],
    ['twice encoded dots', `${base}/Batch/Bulk/%252e%252e`],
    ['encoded slash', `${base}/Batch/Bulk/1%2F2`],
    ['encoded backslash', `${base}/Batch/Bulk/1%5c2`],
    ['backslash', `${base}/Batch/Bulk\\1`],
    ['backslash host', 'https://api.pge.com\\@evil.example/GreenButtonConnect/espi/1_1/resource/Batch/Bulk/1'],
    ['empty segment', `${base}/Batch//Bulk/1`],
    ['broken escape', `${base}/Batch/Bulk/%zz`],
    ['fragment', `${base}/Batch/Bulk/1#x`],
    ['segment boundary', `${base}s/Batch/Bulk/1`],
    ['another path', `${base}/ApplicationInformation/1`],
    ['no id', `${base}/Batch/Bulk`],
    ['too long', `${base}/Batch/Bulk/1/2`],
    ['line break', `${base}/Batch/Bulk/1\r\nx: y`],
    ['not ASCII', `${base}/Batch/Bulk/é`],
    ['relative', '/GreenButtonConnect/espi/1_1/resource/Batch/Bulk/1'],
    ['scheme-relative', '//api.pge.com/GreenButtonConnect/espi/1_1/resource/Batch/Bulk/1'],
    ['a command', '; rm -rf /'],
  ])('refuses %s, and the rest goes on', (_, url) => {
    expect(plan(url)).toMatchObject({ status: 'refused', resources: [], refused: 1 })
    const mixed = plan(url, bulk('a'))
    expect(mixed).toMatchObject({ status: 'ingest', refused: 1, resources: [{ correlationId: 'a' }] })
    expect(mixed.message).not.toContain('/')
  })

  it('whatever the text, an allowed URL stays on the host and under the base', () => {
    const piece = fc.constantFrom(
      'https://',
      'api.pge.com',
      'evil.example',
      '@',
      ':',
      '443',
      '/',
      '\\',
      '..',
      '.',
      '%2e',
      '%2f',
      '?',
      '#',
      ' ',
      'é',
      'Batch',
      'Bulk',
      '1',
      '/GreenButtonConnect/espi/1_1/resource',
    )
    const url = fc.oneof(
      fc.array(piece, { maxLength: 14 }).map((parts) => parts.join('')),
      fc.array(piece, { maxLength: 8 }).map((parts) => `${base}/Batch/Bulk/${parts.join('')}`),
    )
    fc.assert(
      fc.property(url, (text) => {
        for (const resource of plan(text).resources) {
          const { origin, pathname, username, hash } = new URL(resource.url)
          expect([origin, username, hash]).toEqual(['https://api.pge.com', '', ''])
          expect(pathname).toMatch(
            /^\/GreenButtonConnect\/espi\/1_1\/resource\/(Batch|Authorization|Subscription)(\/|$)/,
          )
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('follows the profile’s own templates, also outside the base', () => {
    const profile = resolveProfile('pge', {
      endpoints: {
        bulkCustomer: 'https://api.pge.com/GreenButtonConnect/espi/1_1/Batch/BulkRetailCustomerInfo/{bulkId}',
      },
    })
    const url = 'https://api.pge.com/GreenButtonConnect/espi/1_1/Batch/BulkRetailCustomerInfo/50916?correlationID=a'
    expect(planNotification(list([url]), profile).resources).toMatchObject([{ feed: 'customer' }])
    expect(plan(url).status).toBe('refused')
  })
})

describe('the id of a notification', () => {
  const urls = fc.array(fc.uuid().map(bulk), { minLength: 1, maxLength: 5 })

  it('depends on the URLs and their order, not on how they are written', () => {
    fc.assert(
      fc.property(urls, fc.string(), (some, nonce) => {
        const id = notificationIdOf(list(some))
        expect(id).toMatch(/^[0-9a-f]{64}$/)
        expect(notificationIdOf(list(some, 'http://naesb.org/espi/customer'), nonce)).toBe(id)
        expect(notificationIdOf(list([...some, bulk('more')]))).not.toBe(id)
      }),
    )
    expect(notificationIdOf(list([bulk('a'), bulk('b')]))).not.toBe(notificationIdOf(list([bulk('b'), bulk('a')])))
  })

  it('is new each time where a URL has no correlationID', () => {
    const changed = list([`${base}/Authorization/99`, bulk('a')])
    expect(notificationIdOf(changed, '1')).not.toBe(notificationIdOf(changed, '2'))
    expect(notificationIdOf(changed, '1')).toBe(notificationIdOf(changed, '1'))
  })

  it('is that of the bytes where there is no list', () => {
    expect(notificationIdOf(Buffer.from('a'))).not.toBe(notificationIdOf(Buffer.from('b')))
  })
})
