import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { isMeterlakeError, type MeterlakeError } from '../../schemas/errors.ts'
import { collect } from '../support/collecting-sink.ts'
import { meterFeed, reading, readingXml } from '../support/small-feed.ts'
import { sharedPath } from '../support/shared.ts'

const sample = (name: string) => readFileSync(`${sharedPath('espi/samples')}/${name}`)

function refusal(feed: Uint8Array | string, chunkSizes?: readonly number[]): MeterlakeError {
  try {
    collect(reading(), feed, chunkSizes)
  } catch (error) {
    if (isMeterlakeError(error)) return error
    throw error
  }
  throw new Error('the feed was not refused')
}

const atom = 'xmlns="http://www.w3.org/2005/Atom"'
const espi = 'xmlns="http://naesb.org/espi"'
const good = meterFeed(readingXml())
const inEntry = (inner: string) => `<feed ${atom}><entry><content>${inner}</content></entry></feed>`

describe('a file that is refused whole', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['a DOCTYPE', `<!DOCTYPE feed SYSTEM "x">${good}`, 'FEED_DOCTYPE'],
    [
      'an entity bomb',
      `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>${good.replace('<a:id>1', '<a:id>&b;')}`,
      'FEED_DOCTYPE',
    ],
    ['an HTML page with doctype', '<!DOCTYPE html><html></html>', 'FEED_NOT_XML'],
    ['an HTML page', '<html><body>503</body></html>', 'FEED_NOT_XML'],
    ['plain text', 'Date Range Too Large', 'FEED_NOT_XML'],
    ['JSON', '  {"success": false}', 'FEED_NOT_XML'],
    ['nothing', '', 'FEED_NOT_XML'],
    ['whitespace', ' \n\n  \n ', 'FEED_NOT_XML'],
    ['gzip', Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0), 'FEED_NOT_XML'],
    ['UTF-16', Buffer.from(`\ufeff${good}`, 'utf16le'), 'FEED_ENCODING'],
    ['Latin-1 by declaration', `<?xml version="1.0" encoding="ISO-8859-1"?>${good}`, 'FEED_ENCODING'],
    ['bytes that are not UTF-8', Buffer.from(good.replace('<a:id>1', '<a:id>\u00e9'), 'latin1'), 'FEED_ENCODING'],
    ['another root', `<ServiceStatus ${espi}><currentStatus>1</currentStatus></ServiceStatus>`, 'FEED_WRONG_ROOT'],
    ['a feed of no namespace', '<feed><entry/></feed>', 'FEED_WRONG_ROOT'],
    ['an empty feed', `<ns1:feed xmlns:ns1="http://www.w3.org/2005/Atom"/>`, 'FEED_EMPTY'],
    ['an undeclared prefix', good.replace(' xmlns:e="http://naesb.org/espi"', ''), 'FEED_NOT_WELL_FORMED'],
    ['an undeclared attribute prefix', good.replace('<a:id>', '<a:id x:y="1">'), 'FEED_NOT_WELL_FORMED'],
    ['a mismatched end tag', good.replace('</e:UsagePoint>', '</e:UsagePont>'), 'FEED_NOT_WELL_FORMED'],
    ['a repeated attribute', good.replace('<a:id>', '<a:id t="1" t="2">'), 'FEED_NOT_WELL_FORMED'],
    [
      'an attribute repeated through two prefixes',
      good.replace('<a:id>', '<a:id xmlns:p="u" xmlns:q="u" p:t="1" q:t="2">'),
      'FEED_NOT_WELL_FORMED',
    ],
    ['text after the root', `${good}x`, 'FEED_NOT_WELL_FORMED'],
    ['a second root', `${good}${good}`, 'FEED_NOT_WELL_FORMED'],
    ['an entity nobody declared', good.replace('<a:id>1', '<a:id>&nbsp;'), 'FEED_NOT_WELL_FORMED'],
    ['U+FFFE', good.replace('<a:id>1', '<a:id>\ufffe'), 'FEED_ENCODING'],
    ['an Authorization', inEntry(`<Authorization ${espi}><status>1</status></Authorization>`), 'FEED_SECRET'],
    [
      'ApplicationInformation with secrets',
      inEntry(`<ApplicationInformation ${espi}><client_secret>s</client_secret></ApplicationInformation>`),
      'FEED_SECRET',
    ],
    [
      'ApplicationInformation alone',
      inEntry(`<ApplicationInformation ${espi}><x>1</x></ApplicationInformation>`),
      'FEED_SECRET',
    ],
    [
      'usage and customer data together',
      good.replace(
        '</a:feed>',
        '<a:entry><a:content><c:Customer xmlns:c="http://naesb.org/espi/customer"/></a:content></a:entry></a:feed>',
      ),
      'FEED_WRONG_ROOT',
    ],
    ['elements nested too deep', good.replace('<a:id>1', `<a:id>${'<x>'.repeat(100)}`), 'FEED_LIMIT'],
    [
      'too many attributes',
      good.replace('<a:id>', `<a:id ${Array.from({ length: 200 }, (_, n) => `x${n}="1"`).join(' ')}>`),
      'FEED_LIMIT',
    ],
    ['too long a text', good.replace('<a:id>1', `<a:id>${'1'.repeat(2 << 20)}`), 'FEED_LIMIT'],
    ['too long a comment', good.replace('<a:id>1', `<a:id><!--${'1'.repeat(2 << 20)}-->`), 'FEED_LIMIT'],
    [
      'too many different elements',
      good.replace('<a:id>', `${Array.from({ length: 5000 }, (_, n) => `<x${n}/>`).join('')}<a:id>`),
      'FEED_LIMIT',
    ],
  ])('%s', (_name, feed, code) => {
    const error = refusal(feed)
    expect(error.code).toBe(code)
    expect(typeof error.details['byte']).toBe('number')
    const longer = Buffer.from(feed).length > 100_000 ? [70_001] : [1]
    expect(refusal(feed, longer).code).toBe(code)
  })

  test('every truncation is FEED_TRUNCATED, or says that nothing XML came', () => {
    for (let length = 0; length < good.length; length++) {
      const error = refusal(good.slice(0, length))
      const expected = length < 4 ? [length, 'FEED_NOT_XML', 0] : [length, 'FEED_TRUNCATED', length]
      expect([length, error.code, error.details['byte']]).toEqual(expected)
    }
  })

  test('a feed cut inside a character is truncated', () => {
    const bytes = Buffer.from(good.replace('<a:id>1', '<a:id>\u20ac'))
    expect(refusal(bytes.subarray(0, bytes.indexOf(0xe2) + 2)).code).toBe('FEED_TRUNCATED')
  })

  test('where it is not well-formed is told, and a reader that refused refuses on', () => {
    const broken = good.replace('</e:UsagePoint>', '</e:UsagePont>')
    const error = refusal(broken)
    expect(error.details['byte']).toBe(broken.indexOf('</e:UsagePont>') + '</e:UsagePont>'.length)
    const reader = reading()({ batch: () => expect.unreachable(), readings() {}, row() {} })
    expect(() => reader.write(Buffer.from('no XML'))).toThrow('not XML')
    expect(() => reader.write(Buffer.from(good))).toThrow('not XML')
    expect(() => reader.end()).toThrow('not XML')
  })

  test.skipIf(sharedPath('espi/samples') === undefined)('real files that are none of ours', () => {
    expect(refusal(sample('pge-usagesummary-verdigris.xml')).code).toBe('FEED_NOT_WELL_FORMED')
    expect(refusal(sample('pge-notify-batchlist-2resources.xml')).code).toBe('FEED_WRONG_ROOT')
    expect(refusal(sample('gba-token-response-bulk.json')).code).toBe('FEED_NOT_XML')
    expect(refusal(sample('gba-multiple-authorization-feed.xml')).code).toBe('FEED_SECRET')
    expect(refusal(sample('pge-applicationinformation-entry.xml')).code).toBe('FEED_SECRET')
  })
})

describe('what is legal and odd is read', () => {
  test.each<[string, string]>([
    ['a byte order mark', `\ufeff${good}`],
    [
      'a declaration and instructions',
      `<?xml version="1.0" encoding="utf-8"?><?xml-stylesheet href="x"?><!-- c -->${good}`,
    ],
    ['an unused namespace', good.replace('<a:id>', '<a:id xmlns:zz="urn:zz">')],
    ['other prefixes', good.replaceAll('a:', 'ns7:').replaceAll('xmlns:a', 'xmlns:ns7')],
    [
      'a default namespace',
      good.replaceAll('<e:', '<').replaceAll('</e:', '</').replace('<a:feed', '<a:feed xmlns="http://naesb.org/espi"'),
    ],
    [
      'a prefix bound anew',
      good
        .replace('<e:IntervalBlock>', '<a:IntervalBlock xmlns:a="http://naesb.org/espi">')
        .replace('</e:IntervalBlock>', '</a:IntervalBlock>'),
    ],
    ['comments in a number', good.replace('<e:value>1<', '<e:value><!-- a -->1<!-- b --><')],
    [
      'CDATA and references',
      good.replace('<e:value>1<', '<e:value><![CDATA[1]]><').replace('<e:uom>72', '<e:uom>&#55;2'),
    ],
    ['whitespace in numbers', good.replace('<e:value>1<', '<e:value>\r\n 1\t<')],
    ['CR LF in tags', good.replaceAll('<e:IntervalReading>', '<e:IntervalReading\r\n>')],
  ])('%s', (_name, feed) => {
    const { readings, rows } = collect(reading(), feed)
    expect(readings.map((r) => [r.value, r.start_s])).toEqual([[1, 1_762_243_200]])
    expect(rows.reading_type[0]).toMatchObject({ uom: 72 })
    const bytes = Buffer.from(feed)
    expect(bytes.subarray(readings[0]?.byteOffset).toString()).toMatch(/^<(\w+:)?IntervalReading/)
    expect(collect(reading(), feed, [1])).toEqual(collect(reading(), feed))
  })
})
