/** What can be told from the bytes of a feed without parsing them: its coding, and whether it may hold customers' names. */
import { createGunzip } from 'node:zlib'

/** Coding of a body by its first bytes. */
export function contentCodingOf(head: Uint8Array): 'identity' | 'gzip' | 'zip' {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip'
  if (head[0] === 0x50 && head[1] === 0x4b && head[2] === 0x03 && head[3] === 0x04) return 'zip'
  return 'identity'
}

/**
 * Whether a gzip body has become a bomb: more than 200 decoded bytes per received byte, past 64 MiB. Feeds shrink about 25-fold.
 */
export const exceedsInflation = (receivedBytes: number, decodedBytes: number): boolean =>
  decodedBytes > 64 * 1024 * 1024 && decodedBytes > 200 * receivedBytes

const customerNamespace = Buffer.from('http://naesb.org/espi/customer')
/** CustomerAccount, CustomerAgreement: in the links of customer feeds, whatever namespace their payloads stand in. */
const customerResource = Buffer.from('CustomerA')
/** Self links of customer feeds, at the head of the feed. */
const customerFeed = /Batch\/(?:BulkRetail|RetailCustomer|RetailDR)/
const headBytes = 64 * 1024
const usageElement = Buffer.from('IntervalBlock')

/** Looks for a byte string in a stream of chunks, across their borders. */
class ByteSearch {
  found = false
  readonly #needle: Buffer
  #tail: Buffer = Buffer.alloc(0)

  constructor(needle: Buffer) {
    this.#needle = needle
  }

  push(chunk: Uint8Array): void {
    if (this.found) return
    const keep = this.#needle.length - 1
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const border = Buffer.concat([this.#tail, bytes.subarray(0, keep)])
    this.found = border.includes(this.#needle) || bytes.includes(this.#needle)
    const ending = bytes.length >= keep ? bytes.subarray(bytes.length - keep) : Buffer.concat([this.#tail, bytes])
    this.#tail = Buffer.from(ending.subarray(Math.max(0, ending.length - keep)))
  }
}

/** What a body turned out to be. */
export interface FeedTraits {
  /** A customer feed has the customer namespace (or links of one) and no intervals; one that merely declares the prefix is a usage feed. */
  readonly kind: 'usage' | 'customer'
  /** Customers' names may be in it, or it cannot be ruled out because the bytes could not be read as UTF-8 text. */
  readonly mayBePersonal: boolean
}

/** Watches a body go by. */
export interface BodySniff {
  /** `received` is the number of bytes so far, this chunk included. The chunk may be reused once this is done. */
  push(chunk: Uint8Array, received: number): Promise<void>
  end(): Promise<FeedTraits>
}

/** A body that is text as it comes. */
export class PlainSniff implements BodySniff {
  readonly #customer = new ByteSearch(customerNamespace)
  readonly #resource = new ByteSearch(customerResource)
  readonly #usage = new ByteSearch(usageElement)
  #head: Buffer = Buffer.alloc(0)

  async push(chunk: Uint8Array): Promise<void> {
    if (this.#head.length < headBytes)
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, headBytes - this.#head.length)])
    this.#customer.push(chunk)
    this.#resource.push(chunk)
    this.#usage.push(chunk)
  }

  async end(): Promise<FeedTraits> {
    const start = this.#head.subarray(0, 64)
    const isUtf16 = start.includes(0) || /^(\xff\xfe|\xfe\xff)/.test(start.toString('latin1'))
    const isCustomer = this.#customer.found || this.#resource.found || customerFeed.test(this.#head.toString('latin1'))
    return { kind: isCustomer && !this.#usage.found ? 'customer' : 'usage', mayBePersonal: isCustomer || isUtf16 }
  }
}

/** A gzip body: decoded on the way, in bounded memory, and no further than a bomb is worth. */
export class GzipSniff implements BodySniff {
  readonly #plain = new PlainSniff()
  readonly #gunzip = createGunzip()
  #decoded = 0
  #received = 0
  #isReadable = true

  constructor() {
    this.#gunzip.on('data', (chunk: Buffer) => {
      this.#decoded += chunk.length
      if (exceedsInflation(this.#received, this.#decoded)) this.#gunzip.destroy(new Error('inflates beyond its bound'))
      else void this.#plain.push(chunk)
    })
    this.#gunzip.on('error', () => {
      this.#isReadable = false
    })
  }

  async push(chunk: Uint8Array, received: number): Promise<void> {
    this.#received = received
    if (!this.#isReadable || this.#gunzip.destroyed) return
    // resolves when the chunk is consumed; 'close' where the stream gave up on it
    await new Promise<void>((resolve) => {
      this.#gunzip.once('close', resolve)
      this.#gunzip.write(chunk, () => {
        this.#gunzip.off('close', resolve)
        resolve()
      })
    })
  }

  async end(): Promise<FeedTraits> {
    if (!this.#gunzip.destroyed) {
      const closed = new Promise<void>((resolve) => this.#gunzip.once('close', resolve))
      this.#gunzip.end()
      await closed
    }
    const traits = await this.#plain.end()
    return this.#isReadable ? traits : { ...traits, mayBePersonal: true }
  }
}
