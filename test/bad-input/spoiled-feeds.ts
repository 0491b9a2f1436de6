/** A good feed spoiled in one way each. `good.xml` has three blocks of two readings; block 2 is the one that is spoiled. */
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import type { ErrorCode } from '../../schemas/errors.ts'

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')
export const good = read('good.xml')
export const earlier = read('earlier.xml')

/** Replaces what must occur; a case that spoils nothing would prove nothing. */
function edit(from: string | RegExp, to: string): string {
  const spoiled = good.replace(from, to)
  if (spoiled === good) throw new Error(`good.xml has no ${from}`)
  return spoiled
}

const value = '<ns0:value>4000</ns0:value>'
const start = '<ns0:start>1717315200</ns0:start>'
const deep = (levels: number) => '<ns0:x>'.repeat(levels) + '</ns0:x>'.repeat(levels)
const billionLaughs = `<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY a "aaaaaaaaaa">${'bcdefghi'
  .split('')
  .map((name, at) => `<!ENTITY ${name} "${`&${'abcdefgh'[at]};`.repeat(10)}">`)
  .join('')}]>`

/** Refused whole: nothing of the file is in the lake, the ledger has the code. */
export const refused: readonly {
  readonly what: string
  readonly bytes: string | Buffer
  readonly codes: readonly ErrorCode[]
}[] = [
  { what: 'truncated inside an element', bytes: good.slice(0, good.indexOf(value)), codes: ['FEED_TRUNCATED'] },
  { what: 'truncated inside a tag', bytes: good.slice(0, good.indexOf(value) + 7), codes: ['FEED_TRUNCATED'] },
  {
    what: 'truncated before the end tag of the root',
    bytes: good.slice(0, good.lastIndexOf('</ns1:feed>')),
    codes: ['FEED_TRUNCATED'],
  },
  { what: 'tags crossed', bytes: edit(value, '<ns0:value>4000</ns0:tou>'), codes: ['FEED_NOT_WELL_FORMED'] },
  { what: 'a bare ampersand', bytes: edit(value, `${value}&`), codes: ['FEED_NOT_WELL_FORMED'] },
  {
    what: 'an entity nobody declared',
    bytes: edit(value, '<ns0:value>&four;</ns0:value>'),
    codes: ['FEED_NOT_WELL_FORMED'],
  },
  {
    what: 'a prefix nobody declared',
    bytes: edit(value, '<ns7:value>4000</ns7:value>'),
    codes: ['FEED_NOT_WELL_FORMED'],
  },
  {
    what: 'an attribute given twice',
    bytes: edit('rel="self"/>', 'rel="self" rel="up"/>'),
    codes: ['FEED_NOT_WELL_FORMED'],
  },
  {
    what: 'a character XML forbids',
    bytes: edit(value, '<ns0:value>4\u0000000</ns0:value>'),
    codes: ['FEED_NOT_WELL_FORMED', 'FEED_ENCODING'],
  },
  { what: 'text after the root', bytes: `${good}\\n`, codes: ['FEED_NOT_WELL_FORMED'] },
  { what: 'two roots', bytes: good + good, codes: ['FEED_NOT_WELL_FORMED'] },
  { what: 'a DOCTYPE', bytes: `<!DOCTYPE feed SYSTEM "file:///etc/passwd">\n${good}`, codes: ['FEED_DOCTYPE'] },
  { what: 'an entity bomb', bytes: billionLaughs + edit(value, '<ns0:value>&i;</ns0:value>'), codes: ['FEED_DOCTYPE'] },
  { what: 'a root of another vocabulary', bytes: '<rss version="2.0"><channel/></rss>', codes: ['FEED_WRONG_ROOT'] },
  { what: "Atom's name in no namespace", bytes: '<feed><entry/></feed>', codes: ['FEED_WRONG_ROOT'] },
  { what: 'a notification', bytes: '<BatchList xmlns="http://naesb.org/espi"/>', codes: ['FEED_WRONG_ROOT'] },
  {
    what: 'a feed without entries',
    bytes: '<ns1:feed xmlns:ns1="http://www.w3.org/2005/Atom"/>',
    codes: ['FEED_EMPTY'],
  },
  { what: 'no bytes at all', bytes: '', codes: ['FEED_EMPTY', 'FEED_NOT_XML', 'FEED_TRUNCATED'] },
  { what: 'an HTML page', bytes: '<!DOCTYPE html>\n<html><body>Sign in</body></html>', codes: ['FEED_NOT_XML'] },
  { what: 'plain text', bytes: 'Date Range Too Large', codes: ['FEED_NOT_XML'] },
  { what: 'JSON', bytes: '{"success": false}', codes: ['FEED_NOT_XML'] },
  { what: 'UTF-16', bytes: Buffer.from(`\ufeff${good}`, 'utf16le'), codes: ['FEED_ENCODING'] },
  {
    what: 'bytes that are not UTF-8',
    bytes: Buffer.from(edit('Green Button', 'Grün'), 'latin1'),
    codes: ['FEED_ENCODING', 'FEED_NOT_WELL_FORMED'],
  },
  {
    what: 'another declared encoding',
    bytes: `<?xml version="1.0" encoding="ISO-8859-1"?>${good}`,
    codes: ['FEED_ENCODING'],
  },
  { what: 'elements nested without end', bytes: edit(value, value + deep(5000)), codes: ['FEED_LIMIT'] },
  {
    what: 'attributes without end',
    bytes: edit('<ns0:value>', `<ns0:value ${Array.from({ length: 5000 }, (_, at) => `a${at}="1"`).join(' ')}>`),
    codes: ['FEED_LIMIT'],
  },
  {
    what: 'a text without end',
    bytes: edit(value, `<ns0:value>${'4'.repeat(3 << 20)}</ns0:value>`),
    codes: ['FEED_LIMIT'],
  },
  {
    what: 'an attribute without end',
    bytes: edit('<ns0:value>', `<ns0:value a="${'4'.repeat(3 << 20)}">`),
    codes: ['FEED_LIMIT'],
  },
  {
    what: 'a gzip body cut short',
    bytes: gzipSync(good).subarray(0, 300),
    codes: ['FEED_TRUNCATED', 'FEED_NOT_WELL_FORMED', 'FEED_NOT_XML'],
  },
  { what: 'a gzip bomb', bytes: gzipSync(edit(value, value + ' '.repeat(300 << 20))), codes: ['FEED_LIMIT'] },
]

/** Refused in part: the entry of block 2 is left out and quarantined, blocks 1 and 3 are loaded. */
export const quarantined: readonly { readonly what: string; readonly bytes: string }[] = [
  { what: 'a reading without value', bytes: edit(value, '') },
  { what: 'a reading with an empty value', bytes: edit(value, '<ns0:value/>') },
  { what: 'a value that is no number', bytes: edit(value, '<ns0:value>4k</ns0:value>') },
  { what: 'a fractional value', bytes: edit(value, '<ns0:value>4000.5</ns0:value>') },
  { what: 'a value beyond Int48', bytes: edit(value, '<ns0:value>140737488355328</ns0:value>') },
  { what: 'a value below Int48', bytes: edit(value, '<ns0:value>-140737488355329</ns0:value>') },
  { what: 'a value beyond 2^64', bytes: edit(value, '<ns0:value>18446744073709555616</ns0:value>') },
  { what: 'a reading without start', bytes: edit(start, '') },
  { what: 'a fractional start', bytes: edit(start, '<ns0:start>1717315200.66136</ns0:start>') },
  { what: 'a start in the year 1', bytes: edit(start, '<ns0:start>-62135596800</ns0:start>') },
  { what: 'a start in the year 5138', bytes: edit(start, '<ns0:start>99999999999</ns0:start>') },
  {
    what: 'a negative duration',
    bytes: edit(`<ns0:duration>3600</ns0:duration>${start}`, `<ns0:duration>-3600</ns0:duration>${start}`),
  },
  {
    what: 'a duration beyond 2^32',
    bytes: edit(`<ns0:duration>3600</ns0:duration>${start}`, `<ns0:duration>4294967296</ns0:duration>${start}`),
  },
  {
    what: 'a quality that is no number',
    bytes: edit(value, `<ns0:ReadingQuality><ns0:quality>good</ns0:quality></ns0:ReadingQuality>${value}`),
  },
]

/** Not bad at all, though unusual: loaded whole. */
export const accepted: readonly { readonly what: string; readonly bytes: string | Buffer }[] = [
  { what: 'gzip', bytes: gzipSync(good) },
  { what: 'gzip in two members', bytes: Buffer.concat([gzipSync(good.slice(0, 1000)), gzipSync(good.slice(1000))]) },
  { what: 'a byte order mark', bytes: `\ufeff${good}` },
  { what: 'CRLF line ends', bytes: good.replaceAll('\n', '\r\n') },
  { what: 'blanks before the root', bytes: `\n  ${good}` },
]
