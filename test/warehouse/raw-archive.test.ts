import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdDecompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { archiveRaw, type ArchiveRequest, readIndex } from '../../warehouse/raw-archive.ts'
import { openRaw, readRawRange } from '../../warehouse/raw-reader.ts'
import { openFolder, type Storage } from '../../warehouse/storage.ts'
import { sharedPath } from '../support/shared.ts'

let root: string
let lake: Storage
let pii: Storage
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'meterlake-raw-'))
  lake = openFolder(join(root, 'lake'), { isPrivate: false })
  pii = openFolder(join(root, 'pii'), { isPrivate: true })
})
afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

async function archive(content: Uint8Array | string, more: Partial<ArchiveRequest> = {}) {
  const file = join(root, 'incoming.xml')
  await writeFile(file, content)
  return await archiveRaw({
    lake,
    pii,
    file,
    receivedAt: '2026-03-01T08:00:00Z',
    source: 'file',
    sourceName: 'incoming.xml',
    correlationId: null,
    ...more,
  })
}

async function readBack(sha256: string, storage = lake) {
  const index = (await readIndex(storage, sha256))!
  const path = storage.locate(`raw/${sha256.slice(0, 2)}/${sha256}.xml.zst`)
  await using scratch = await storage.scratch()
  const { bytes, chunks } = await openRaw(path, index, scratch.file('decoded.xml'))
  const content = Buffer.concat(Array.from(chunks, (chunk) => Buffer.from(chunk)))
  expect(content.length).toBe(bytes)
  return { path, index, content }
}

const feed = (inside: string) => `<feed xmlns="http://www.w3.org/2005/Atom">${inside}</feed>`

/** Three frames, none like the other. */
const big = Buffer.concat(
  Array.from({ length: 90 }, (_, n) => Buffer.from(`<e n="${n}">${randomBytes(50_000).toString('hex')}</e>`)),
)

describe('the raw archive', () => {
  test('bytes come back as they were received, by name of their SHA-256, once', async () => {
    const raw = await archive(big)
    const sha256 = createHash('sha256').update(big).digest('hex')
    expect(raw).toEqual({
      sha256,
      bytes: big.length,
      path: join(root, `lake/raw/${sha256.slice(0, 2)}/${sha256}.xml.zst`),
      root: 'lake',
      kind: 'usage',
      receivedAt: '2026-03-01T08:00:00Z',
    })
    const { index, content, path } = await readBack(sha256)
    expect(index.frames).toHaveLength(3)
    expect(content.equals(big)).toBe(true)
    const before = await stat(path)
    await archive(big, { receivedAt: '2027-01-01T00:00:00Z', sourceName: 'again.xml' })
    expect((await stat(path)).ino).toBe(before.ino)
    expect((await readBack(sha256)).index.sourceName).toBe('incoming.xml')
    expect(await readdir(join(root, 'pii/state/scratch'))).toEqual([])
  })

  test('any zstd reads the archived file as one stream', async () => {
    const raw = await archive(big)
    expect(zstdDecompressSync(await readFile(raw.path)).equals(big)).toBe(true)
  })

  test('a range is what stands there, wherever it begins and ends', async () => {
    const { path, index } = await readBack((await archive(big)).sha256)
    const at = fc.integer({ min: 0, max: big.length + 10 })
    await fc.assert(
      fc.asyncProperty(at, fc.nat(5_000_000), async (from, length) => {
        const range = await readRawRange(path, index, from, from + length)
        expect(range.equals(big.subarray(from, from + length))).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  test('an empty body is archived too', async () => {
    const { content, index } = await readBack((await archive('')).sha256)
    expect(content).toHaveLength(0)
    expect(index.frames).toEqual([])
  })

  test('an archived file that lost bytes is archived anew', async () => {
    const raw = await archive(big)
    await writeFile(raw.path, 'short')
    expect(await readIndex(lake, raw.sha256)).toBeUndefined()
    await archive(big)
    expect((await readBack(raw.sha256)).content.equals(big)).toBe(true)
  })

  test('damage inside a frame is LAKE_CORRUPT', async () => {
    const raw = await archive(big)
    const stored = await readFile(raw.path)
    stored[Math.floor(stored.length / 2)]! ^= 0xff
    await writeFile(raw.path, stored)
    await expect(readBack(raw.sha256)).rejects.toMatchObject({ code: 'LAKE_CORRUPT' })
  })

  test('a gzip body rests as received and is read decoded', async () => {
    const body = gzipSync(big)
    const raw = await archive(body)
    expect(raw.sha256).toBe(createHash('sha256').update(body).digest('hex'))
    const { index, content, path } = await readBack(raw.sha256)
    expect(index.contentCoding).toBe('gzip')
    expect(content.equals(big)).toBe(true)
    expect((await readRawRange(path, index, 5_000_000, 5_000_100)).equals(big.subarray(5_000_000, 5_000_100))).toBe(
      true,
    )
  })

  test('a gzip bomb is archived, and refused when read', async () => {
    const raw = await archive(gzipSync(Buffer.alloc(80 * 1024 * 1024)))
    expect(raw.root).toBe('pii')
    await expect(readBack(raw.sha256, pii)).rejects.toMatchObject({ code: 'FEED_LIMIT' })
  })

  test('half a gzip body is FEED_TRUNCATED', async () => {
    const body = gzipSync(big)
    const raw = await archive(body.subarray(0, body.length / 2))
    await expect(readBack(raw.sha256, raw.root === 'pii' ? pii : lake)).rejects.toMatchObject({
      code: 'FEED_TRUNCATED',
    })
  })

  test('a zip archive is named as what it is', async () => {
    const raw = await archive(Buffer.concat([Buffer.from('PK\x03\x04'), big.subarray(0, 1000)]))
    await expect(readBack(raw.sha256, pii)).rejects.toMatchObject({ code: 'FEED_NOT_XML', message: /unpack/ })
  })

  const customer = '<e xmlns="http://naesb.org/espi/customer"><name>Jane Roe</name></e>'
  test.each([
    ['customer namespace in the first entry', feed(customer), {}, 'customer', 'pii'],
    ['late in the feed', feed(`${' '.repeat(9_000_000)}${customer}`), {}, 'customer', 'pii'],
    ['across the border of two frames', feed(`${' '.repeat(4_194_304 - 60)}${customer}`), {}, 'customer', 'pii'],
    ['inside gzip', gzipSync(feed(customer)), {}, 'customer', 'pii'],
    ['with intervals beside it', feed(`${customer}<IntervalBlock/>`), {}, 'usage', 'pii'],
    ['the request says so', feed(''), { isCustomer: true }, 'customer', 'pii'],
    ['UTF-16 cannot be ruled out', Buffer.from(`\uFEFF${feed(customer)}`, 'utf16le'), {}, 'usage', 'pii'],
    ['a usage feed', feed('<IntervalBlock/>'), {}, 'usage', 'lake'],
  ] as const)('where names may be: %s', async (_, content, more, kind, where) => {
    const raw = await archive(content, more)
    expect([raw.kind, raw.root]).toEqual([kind, where])
    expect(await lake.list('')).toHaveLength(where === 'lake' ? 2 : 0)
  })

  test('real feeds', async () => {
    const samples = sharedPath('espi/samples')
    if (!samples) return
    const kinds: Record<string, string> = {}
    for (const name of (await readdir(samples)).filter((file) => file.endsWith('.xml'))) {
      const content = await readFile(join(samples, name))
      const raw = await archive(content)
      kinds[name] = `${raw.kind} ${raw.root}`
      expect((await readBack(raw.sha256, raw.root === 'pii' ? pii : lake)).content.equals(content)).toBe(true)
    }
    const customers = Object.entries(kinds).filter(([, kind]) => kind !== 'usage lake')
    expect(customers).toEqual([
      ['gba-customer-subscription-feed.xml', 'customer pii'],
      ['pge-batch-retailcustomer.xml', 'customer pii'],
    ])
  })

  test('a cancelled archive leaves nothing', async () => {
    await expect(archive(big, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i)
    expect([...(await lake.list('')), ...(await pii.list(''))]).toEqual([])
  })
})
