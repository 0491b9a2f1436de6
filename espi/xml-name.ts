/** Names of XML 1.0 (fifth edition, 2.3) as saxes meets them here: each byte of their UTF-8 a latin1 character. */
import type { SaxesParser } from 'saxes'

const start =
  'A-Z_a-z\\u{C0}-\\u{D6}\\u{D8}-\\u{F6}\\u{F8}-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}\\u{200C}\\u{200D}\\u{2070}-\\u{218F}' +
  '\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}'
const ncName = new RegExp(`^[${start}][-.0-9\\u{B7}\\u{300}-\\u{36F}\\u{203F}\\u{2040}${start}]*$`, 'u')

/** A name without colon (NCName of Namespaces in XML) in its characters; undefined: it is none. `bytes`: UTF-8 as latin1. */
export function nameOf(bytes: string): string | undefined {
  const name = Buffer.from(bytes, 'latin1').toString('utf8')
  return ncName.test(name) ? name : undefined
}

/** Characters of a reference after its `&`. The longest real one is `#x10FFFF`; leading zeros are allowed. */
const referenceLength = 64

/** By byte: may stand in a name, as far as can be told from one. Every byte of a character outside ASCII may. */
const nameBytes = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte > 127 || /[-.:\w]/.test(String.fromCharCode(byte)) ? 1 : 0,
)
const isNameByte = (byte: number): boolean => nameBytes[byte] === 1

/** Fields of saxes 6, whose version is pinned. */
interface SaxesNames {
  nameStartCheck: (char: number) => boolean
  nameCheck: (char: number) => boolean
  captureNameChars: () => number
  getCode(): number
  chunk: string
  /** Where the next character is, and the one just read. */
  i: number
  prevI: number
  name: string
  /** A reference that its chunk did not end. */
  entity: string
  readonly sEntity: () => void
  readonly stateTable: (() => void)[]
}

const lineFeed = 10
/** What `getCode` answers at the end of the chunk, and for a line end other than LF. */
const endOfChunk = -1
const lineEnd = -2

/**
 * Lets the bytes of a name outside ASCII through: who takes the name judges it with {@link nameOf}. (Only a name that begins with
 * U+05C0…U+05FF is still refused, as not well-formed: its first byte is ×, which saxes does not take for a start.) And refuses a
 * `&` that no reference follows where it stands, for saxes would look for a `;` to the end of the feed.
 */
export function adaptNames(parser: SaxesParser): void {
  const inside = parser as unknown as SaxesNames
  const readReference = inside.sEntity.bind(parser)
  // - . and digits do not begin a name
  inside.nameStartCheck = (char) => char > 57 && isNameByte(char)
  inside.nameCheck = isNameByte
  inside.captureNameChars = () => {
    const { chunk, i: from } = inside
    for (;;) {
      const char = inside.getCode()
      if (char === endOfChunk) {
        inside.name += chunk.slice(from)
        return char
      }
      if (!isNameByte(char)) {
        inside.name += chunk.slice(from, inside.prevI)
        return char === lineEnd ? lineFeed : char
      }
    }
  }
  inside.stateTable[inside.stateTable.indexOf(inside.sEntity)] = () => {
    const { chunk } = inside
    let { length } = inside.entity
    for (let at = inside.i; at < chunk.length && chunk[at] !== ';'; at += 1, length += 1) {
      if (length < referenceLength && (chunk[at] === '#' || isNameByte(chunk.charCodeAt(at)))) continue
      inside.i = at + 1
      throw new Error('an ampersand that begins no reference')
    }
    readReference()
  }
}
