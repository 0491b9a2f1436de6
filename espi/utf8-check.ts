/** UTF-8 over all bytes of a stream, natively, with characters that straddle chunks; U+FFFE and U+FFFF are no XML characters. */
import { isAscii, isUtf8 } from 'node:buffer'

/** Bytes at the end that begin a character but do not finish it: 0…3. */
function unfinished(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] as number
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? back : 0
  }
  return 0
}

const noCharacters = [Buffer.from([0xef, 0xbf, 0xbe]), Buffer.from([0xef, 0xbf, 0xbf])]

function valid(bytes: Buffer): boolean {
  return isAscii(bytes) || (isUtf8(bytes) && noCharacters.every((character) => !bytes.includes(character)))
}

export class Utf8Check {
  #carried: Buffer = Buffer.alloc(0)
  #at = 0
  /** Offset of the first byte that is not UTF-8, once there is one. */
  bad: number | undefined

  /** Bytes that are not looked at, before the first write. */
  skip(bytes: number): void {
    this.#at += bytes
  }

  /** The whole characters that are there now: the chunk, less what is held back of it, more what was held back before. */
  write(chunk: Buffer): Buffer {
    const bytes = this.#carried.length > 0 ? Buffer.concat([this.#carried, chunk]) : chunk
    let end = bytes.length - unfinished(bytes)
    if (!valid(bytes.subarray(0, end))) {
      end = firstInvalid(bytes.subarray(0, end))
      this.bad = this.#at + end
    }
    if (end < bytes.length || this.#carried.length > 0) this.#carried = Buffer.from(bytes.subarray(end))
    this.#at += end
    return bytes.subarray(0, end)
  }

  /** True where the stream stopped inside a character. */
  get unfinished(): boolean {
    return this.#carried.length > 0
  }
}

/** The longest valid prefix ends where the first bad sequence begins: found by halving. */
function firstInvalid(bytes: Buffer): number {
  let good = 0
  let bad = bytes.length
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    const prefix = bytes.subarray(0, middle)
    if (valid(prefix.subarray(0, middle - unfinished(prefix)))) good = middle
    else bad = middle
  }
  return good - unfinished(bytes.subarray(0, good))
}
