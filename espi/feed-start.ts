/** The first bytes of a body: is it XML in UTF-8 at all? Kept apart, for they may come one by one. */
import { MeterlakeError } from '../schemas/errors.ts'

const bom = [0xef, 0xbb, 0xbf]

export class FeedStart {
  #head: Buffer = Buffer.alloc(0)
  /** Bytes of the byte order mark, to be left out. */
  bomBytes = 0

  /** Everything so far, once enough has come to judge; undefined until then. Throws FEED_ENCODING, FEED_NOT_XML. */
  write(chunk: Buffer): Buffer | undefined {
    this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk])
    const head = this.#head
    const first = head.findIndex((byte, at) => !isSpace(byte) && !(at < 3 && byte === bom[at]))
    if (head.length < 4 || first < 0) {
      if (head.length > 1 << 20) notXml('blank')
      this.#head = Buffer.from(head)
      return undefined
    }
    if (head[0] === 0xfe || head[0] === 0xff || head[0] === 0 || head[1] === 0)
      throw new MeterlakeError('FEED_ENCODING', 'the feed is UTF-16 or UTF-32, not UTF-8', { byte: 0 })
    if (bom.every((byte, at) => head[at] === byte)) this.bomBytes = 3
    if (head[first] !== 0x3c || (first < 3 && this.bomBytes === 3)) notXml(kindOf(head))
    return head.subarray(this.bomBytes)
  }

  /** The body ended before it could be judged. */
  end(): never {
    notXml(this.#head.length === 0 ? 'empty' : 'too short to be XML')
  }
}

const isSpace = (byte: number) => byte === 32 || byte === 10 || byte === 13 || byte === 9

function kindOf(head: Buffer): string {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip'
  if (head[0] === 0x50 && head[1] === 0x4b) return 'a zip archive'
  return 'text or binary'
}

function notXml(what: string): never {
  throw new MeterlakeError('FEED_NOT_XML', `the body is ${what}, not XML`, { byte: 0 })
}
