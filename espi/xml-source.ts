/**
 * Bytes → element events. The only file that knows saxes.
 *
 * saxes is fed the bytes as latin1 characters: one character is one byte, so its positions are byte offsets, and markup, being ASCII,
 * reads the same. Texts leave as byte ranges; who needs characters decodes them as UTF-8. What stands behind {@link ElementHandler} is
 * made of integers and byte ranges only, so that another recogniser of the same bytes can stand in for saxes.
 */
import { SaxesParser, type SaxesTagPlain } from 'saxes'
import { MeterlakeError } from '../schemas/errors.ts'
import { ElementPaths, entryLink, feedLink } from './element-paths.ts'
import { feedBounds } from './feed-bounds.ts'
import { FeedBytes } from './fragment.ts'
import { NamespaceError, NamespaceScope, ownText } from './namespace-scope.ts'
import { adaptNames, nameOf } from './xml-name.ts'

/** Attributes of atom:link that carry data. */
export const hrefAttribute = 1
export const relAttribute = 2

/**
 * What the feed layer hears. Paths are ids of {@link ElementPaths}; offsets are byte offsets in the raw file. Byte ranges are valid
 * during the call only.
 */
export interface ElementHandler {
  /** A start tag, whose `<` is at `at`. */
  open(path: number, at: number): void
  /** href or rel of an atom:link. */
  attribute(path: number, attribute: number, bytes: Buffer, from: number, to: number): void
  /** The text of an element without children, before its `close`; empty where it has none. */
  value(path: number, bytes: Buffer, from: number, to: number, at: number): void
  /** The end of the element that began at `at`; `end` is the byte after its last. */
  close(path: number, at: number, end: number): void
  /** Text beside elements, or an attribute no one knows. */
  stray(kind: 'element' | 'attribute', name: string, at: number): void
}

/**
 * Fields of saxes, whose version is pinned. Handlers are stored here by name because `on()` stores them by a computed key, and after
 * a dozen of those V8 keeps the parser as a dictionary: seven times slower.
 */
interface SaxesInside {
  xmldeclHandler: (declaration: { encoding?: string }) => void
  doctypeHandler: (doctype: string) => void
  openTagStartHandler: (tag: { name: string }) => void
  attributeHandler: (attribute: { name: string; value: string }) => void
  openTagHandler: (tag: SaxesTagPlain) => void
  closeTagHandler: () => void
  textHandler: (text: string) => void
  cdataHandler: (text: string) => void
  commentHandler: () => void
  piHandler: (instruction: { target: string }) => void
  parseEntity(entity: string): string
}

function onDeclaration({ encoding }: { encoding?: string }): void {
  if (encoding === undefined || /^(utf-?8|(us-)?ascii)$/i.test(encoding)) return
  const message = `the XML declaration says ${encoding.slice(0, 40)}, not UTF-8`
  throw new MeterlakeError('FEED_ENCODING', message, { byte: 0 })
}

function onDoctype(doctype: string, byte: number): never {
  if (/^\s*html\b/i.test(doctype)) throw new MeterlakeError('FEED_NOT_XML', 'the body is an HTML page', { byte: 0 })
  throw new MeterlakeError('FEED_DOCTYPE', 'the feed has a DOCTYPE', { byte })
}

const subChunk = 1 << 16
/** Attributes that carry no data of ours. */
const silentAttributes = new Set(['type', 'title', 'length', 'hreflang'])
const xsi = 'http://www.w3.org/2001/XMLSchema-instance'

const isBlank = (text: string) => {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 32) return false
  return true
}

export class XmlSource {
  readonly paths = new ElementPaths()
  readonly bytes = new FeedBytes()
  readonly #handler: ElementHandler
  readonly #parser = new SaxesParser({ xmlns: false, position: false, defaultXMLVersion: '1.0', forceXMLVersion: true })
  /** Offset of the first byte saxes saw: 3 after a BOM. */
  #origin = 0
  #hasCarriageReturn = false
  #lastByte = 0
  #lastEvent = 0
  #sawRoot = false

  readonly #pathAt = new Int32Array(feedBounds.depth + 1)
  readonly #tagAt = new Float64Array(feedBounds.depth + 1)
  readonly #scopeAt: NamespaceScope[] = [new NamespaceScope()]
  #depth = 0
  #openAt = 0

  readonly #names: string[] = []
  readonly #values: string[] = []
  #attributes = 0

  /** True while the innermost element has had no child. */
  #leaf = false
  /** Where the text piece at hand began. */
  #pieceAt = 0
  /** Text of the leaf: a range of the chunk, or, once it is in pieces, the scratch buffer. */
  #from = -1
  #to = -1
  #scratch = Buffer.alloc(1 << 12)
  #scratchLength = 0

  constructor(handler: ElementHandler) {
    this.#handler = handler
    const inside = this.#parser as unknown as SaxesInside
    inside.xmldeclHandler = onDeclaration
    inside.doctypeHandler = (doctype) => onDoctype(doctype, this.position)
    inside.openTagStartHandler = this.#onTagStart
    inside.attributeHandler = this.#onAttribute
    inside.openTagHandler = this.#onOpen
    inside.closeTagHandler = this.#onClose
    inside.textHandler = this.#onText
    inside.cdataHandler = (text) => {
      this.#onPiece(text)
      this.#token()
    }
    inside.commentHandler = () => this.#token(1)
    inside.piHandler = ({ target }) => {
      if (nameOf(target) === undefined)
        throw new NamespaceError(`a processing instruction named ${target.slice(0, 40)}`)
      this.#token()
    }
    adaptNames(this.#parser)
    const parseEntity = inside.parseEntity.bind(inside)
    // a reference may name any character: its UTF-8 bytes, as the latin1 characters the rest of the text is made of
    inside.parseEntity = (entity) => {
      const text = parseEntity(entity)
      return text.length === 1 && text.charCodeAt(0) < 128 ? text : Buffer.from(text, 'utf8').toString('latin1')
    }
  }

  /** Offset of the next byte to be read. */
  get position(): number {
    return this.#parser.position + this.#origin
  }

  /** A byte order mark was left out: positions start behind it. */
  skip(bytes: number): void {
    this.#origin += bytes
    this.bytes.base += bytes
  }

  /**
   * Parses a chunk. It may be reused once `bytes` has retired it: until then a quarantine row may want its bytes. Throws
   * MeterlakeError FEED_*.
   */
  write(chunk: Buffer): void {
    this.bytes.chunk = chunk
    this.#hasCarriageReturn = chunk.includes(13) || this.#lastByte === 13
    for (let at = 0; at < chunk.length; at += subChunk) {
      const end = Math.min(chunk.length, at + subChunk)
      this.#guard(() => this.#parser.write(chunk.toString('latin1', at, end)))
      if (this.position - this.#lastEvent > feedBounds.tokenBytes) this.#tokenTooLong()
    }
    this.#keepText()
    this.#lastByte = chunk.at(-1) ?? this.#lastByte
  }

  /** The document must be complete. */
  end(): void {
    const at = this.bytes.base + this.bytes.chunk.length
    try {
      this.#parser.close()
    } catch (error) {
      if (error instanceof MeterlakeError) throw error
      const where = this.#depth > 0 ? ` inside ${this.paths.name(this.#pathAt[this.#depth] as number)}` : ''
      throw new MeterlakeError('FEED_TRUNCATED', `the feed ends at byte ${at}${where}`, { byte: at }, { cause: error })
    }
  }

  #guard(parse: () => void): void {
    try {
      parse()
    } catch (error) {
      if (error instanceof MeterlakeError) throw error
      const reason = error instanceof Error ? error.message : String(error)
      // outside the root saxes reads text to the end of its chunk before it complains: say where the text began
      const byte = this.#depth === 0 ? this.#lastEvent : this.position
      const message = `not well-formed at byte ${byte}: ${reason.slice(0, 200)}`
      throw new MeterlakeError('FEED_NOT_WELL_FORMED', message, { byte })
    }
  }

  readonly #onTagStart = (tag: { name: string }): void => {
    this.#token()
    let at = this.position - tag.name.length - 2
    // a name that CR LF follows: saxes takes both at once
    if (this.#hasCarriageReturn && this.#byteBack(1) === 10 && this.#byteBack(2) === 13) at -= 1
    this.#openAt = at
    this.#attributes = 0
    this.#sawRoot = true
  }

  #byteBack(back: number): number {
    const at = this.position - back - this.bytes.base
    return at < 0 ? this.#lastByte : (this.bytes.chunk[at] as number)
  }

  readonly #onAttribute = ({ name, value }: { name: string; value: string }): void => {
    this.#token()
    if (this.#attributes >= feedBounds.attributesPerElement)
      throw new MeterlakeError('FEED_LIMIT', `an element has more than ${feedBounds.attributesPerElement} attributes`, {
        byte: this.#openAt,
      })
    this.#names[this.#attributes] = name
    this.#values[this.#attributes] = value
    this.#attributes += 1
  }

  readonly #onOpen = (tag: SaxesTagPlain): void => {
    const parent = this.#pathAt[this.#depth] as number
    if (this.#leaf && this.#textLength() > 0 && !isBlank(this.#textOf())) this.#strayText(parent)
    if (this.#depth >= feedBounds.depth)
      throw new MeterlakeError('FEED_LIMIT', `elements are nested more than ${feedBounds.depth} deep`, {
        byte: this.#openAt,
      })
    let scope = this.#scopeAt[this.#depth] as NamespaceScope
    if (this.#attributes > 0) scope = this.#declarations(scope)
    let path = scope.children[parent]?.get(tag.name)
    if (path === undefined) {
      const name = ownText(tag.name)
      const { uri, local } = scope.element(name)
      path = this.paths.child(parent, uri, local, this.#openAt)
      const children = (scope.children[parent] ??= new Map<string, number>())
      children.set(name, path)
    }
    this.#depth += 1
    this.#pathAt[this.#depth] = path
    this.#tagAt[this.#depth] = this.#openAt
    this.#scopeAt[this.#depth] = scope
    this.#handler.open(path, this.#openAt)
    if (this.#attributes > 0) this.#deliverAttributes(scope, path)
    this.#leaf = true
    this.#pieceAt = this.position
    this.#from = this.#to = -1
    this.#scratchLength = 0
    tag.attributes = noAttributes // an open element would keep slices of the chunk alive
    this.#token()
  }

  readonly #onClose = (): void => {
    const path = this.#pathAt[this.#depth] as number
    const at = this.#tagAt[this.#depth] as number
    if (this.#leaf) {
      if (this.#scratchLength > 0) this.#handler.value(path, this.#scratch, 0, this.#scratchLength, at)
      else {
        const { chunk, base } = this.bytes
        if (this.#from < 0) this.#handler.value(path, chunk, 0, 0, at)
        else this.#handler.value(path, chunk, this.#from - base, this.#to - base, at)
      }
    }
    this.#handler.close(path, at, this.position)
    this.#depth -= 1
    this.#leaf = false
    this.#token()
  }

  readonly #onText = (text: string): void => {
    const end = this.position - 1
    if (end - this.#lastEvent > feedBounds.tokenBytes) this.#tokenTooLong()
    const from = end - text.length
    const untouched = from === this.#pieceAt && from >= this.bytes.base && !this.#hasCarriageReturn
    if (this.#leaf && untouched && this.#from < 0 && this.#scratchLength === 0) {
      this.#from = from
      this.#to = end
    } else this.#onPiece(text)
  }

  /** A piece of text that is not simply a range of the chunk. */
  #onPiece(text: string): void {
    if (!this.#leaf) {
      if (this.#depth > 0 && !isBlank(text)) this.#strayText(this.#pathAt[this.#depth] as number)
      return
    }
    this.#keepText()
    this.#append(text.length)
    this.#scratch.write(text, this.#scratchLength - text.length, 'latin1')
  }

  /** The text at hand leaves its chunk for the scratch buffer. */
  #keepText(): void {
    if (this.#from < 0) return
    const { chunk, base } = this.bytes
    const length = this.#to - this.#from
    this.#append(length)
    chunk.copy(this.#scratch, this.#scratchLength - length, this.#from - base, this.#to - base)
    this.#from = this.#to = -1
  }

  #append(length: number): void {
    const needed = this.#scratchLength + length
    if (needed > feedBounds.tokenBytes) this.#tokenTooLong()
    if (needed > this.#scratch.length) {
      const larger = Buffer.alloc(Math.max(needed, 2 * this.#scratch.length))
      this.#scratch.copy(larger, 0, 0, this.#scratchLength)
      this.#scratch = larger
    }
    this.#scratchLength = needed
  }

  #textLength(): number {
    return this.#scratchLength > 0 ? this.#scratchLength : this.#to - this.#from
  }

  #textOf(): string {
    if (this.#scratchLength > 0) return this.#scratch.toString('latin1', 0, this.#scratchLength)
    return this.bytes.chunk.toString('latin1', this.#from - this.bytes.base, this.#to - this.bytes.base)
  }

  #strayText(path: number): void {
    this.#handler.stray('element', `${this.paths.name(path)}/text()`, this.#tagAt[this.#depth] as number)
  }

  #declarations(outer: NamespaceScope): NamespaceScope {
    let scope = outer
    for (let index = 0; index < this.#attributes; index++) {
      const name = this.#names[index] as string
      if (name === 'xmlns') scope = scope.declare('', (this.#values[index] as string).trim())
      else if (name.startsWith('xmlns:')) scope = scope.declare(name.slice(6), (this.#values[index] as string).trim())
    }
    if (scope.scopes > feedBounds.namespaceScopes)
      throw new MeterlakeError('FEED_LIMIT', 'too many different namespace declarations', { byte: this.#openAt })
    return scope
  }

  #deliverAttributes(scope: NamespaceScope, path: number): void {
    const seen: { readonly uri: string; readonly local: string }[] = []
    for (let index = 0; index < this.#attributes; index++) {
      const name = this.#names[index] as string
      if (name === 'xmlns' || name.startsWith('xmlns:')) continue
      const expanded = scope.attribute(name)
      if (expanded.uri !== '') {
        if (seen.some((other) => other.uri === expanded.uri && other.local === expanded.local))
          throw new NamespaceError(`duplicate attribute ${name}`)
        seen.push(expanded)
        if (expanded.uri === xsi) continue
      } else if (path === entryLink || path === feedLink) {
        const attribute = name === 'href' ? hrefAttribute : name === 'rel' ? relAttribute : 0
        if (attribute !== 0) {
          const value = this.#values[index] as string
          this.#scratchLength = 0
          this.#append(value.length)
          this.#scratch.write(value, 0, 'latin1')
          this.#handler.attribute(path, attribute, this.#scratch, 0, value.length)
          continue
        }
      }
      if (expanded.uri === '' && silentAttributes.has(name)) continue
      const shown = expanded.uri === '' ? name : `{${expanded.uri}}${expanded.local}`
      this.#handler.stray('attribute', `${this.paths.name(path)}@${shown}`, this.#openAt)
    }
  }

  /** Something ended here: the next piece of text begins, and the bound of a token counts anew. */
  #token(ahead = 0): void {
    const at = this.position
    if (at - this.#lastEvent > feedBounds.tokenBytes) this.#tokenTooLong()
    this.#lastEvent = at
    this.#pieceAt = at + ahead
  }

  #tokenTooLong(): never {
    const what = this.#sawRoot ? 'a text, tag or comment' : 'what stands before the root'
    throw new MeterlakeError('FEED_LIMIT', `${what} is longer than ${feedBounds.tokenBytes} bytes`, {
      byte: this.#lastEvent,
    })
  }
}

const noAttributes: Record<string, string> = {}
