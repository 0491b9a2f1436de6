/**
 * Bytes → element events. The only file that knows saxes.
 *
 * saxes is fed the bytes as latin1 characters: one character is one byte, so its positions are byte offsets, and markup, being ASCII,
 * reads the same. Texts leave as byte ranges; who needs characters decodes them as UTF-8. What stands behind {@link ElementHandler} is
 * made of integers and byte ranges only, so that another recogniser of the same bytes can stand in for saxes.
 */
import type { SaxesTagPlain } from 'saxes'
import { MeterlakeError } from '../schemas/errors.ts'
import type { ElementHandler } from './element-handler.ts'
import { ElementPaths } from './element-paths.ts'
import { ElementText, isBlank } from './element-text.ts'
import { feedBounds } from './feed-bounds.ts'
import { FeedBytes } from './fragment.ts'
import { type MarkupContext, MarkupMemory } from './markup-memory.ts'
import { MarkupRecorder } from './markup-recorder.ts'
import { NamespaceError, NamespaceScope, ownText } from './namespace-scope.ts'
import { OpenContexts } from './open-contexts.ts'
import { RememberedMarkup } from './remembered-markup.ts'
import { moveSaxes, onDeclaration, onDoctype, openSaxes } from './saxes-inside.ts'
import { SlowWay } from './slow-way.ts'
import { silent, TagAttributes, unknown } from './tag-attributes.ts'
import { nameOf } from './xml-name.ts'

const subChunk = 1 << 16
export class XmlSource {
  readonly paths = new ElementPaths()
  readonly bytes = new FeedBytes()
  readonly #handler: ElementHandler
  readonly #parser = openSaxes()
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

  readonly #attributes = new TagAttributes()

  /** True while the innermost element has had no child. */
  #leaf = false
  /** Where the text piece at hand began. */
  #pieceAt = 0
  readonly #text: ElementText

  // --- remembered markup ---
  readonly #memory = new MarkupMemory()
  readonly #recorder: MarkupRecorder
  readonly #remembered: RememberedMarkup | undefined
  readonly #slowWay = new SlowWay()
  readonly #contexts: OpenContexts
  readonly #tags: SaxesTagPlain[] = []
  /** Which attribute of the tag at hand is its href, -1 where there is none. */
  #hole = -1
  /** Offset behind the last tag: between two tags saxes and the memory may take turns. */
  #boundary = -1
  constructor(handler: ElementHandler, remember: boolean) {
    this.#handler = handler
    this.#recorder = new MarkupRecorder(this.#memory, handler)
    this.#remembered = remember ? new RememberedMarkup(handler, this.#tagAt) : undefined
    this.#contexts = new OpenContexts(this.#memory, this.#scopeAt, this.#pathAt)
    this.#text = new ElementText(this.bytes, () => this.#tokenTooLong())
    const parser = this.#parser
    parser.xmldeclHandler = onDeclaration
    parser.doctypeHandler = (doctype) => onDoctype(doctype, this.position)
    parser.openTagStartHandler = this.#onTagStart
    parser.attributeHandler = this.#onAttribute
    parser.openTagHandler = this.#onOpen
    parser.closeTagHandler = this.#onClose
    parser.textHandler = this.#onText
    parser.cdataHandler = (text) => {
      this.#recorder.stop()
      this.#onPiece(text)
      this.#token()
    }
    parser.commentHandler = () => {
      this.#recorder.stop()
      this.#token(1)
    }
    parser.piHandler = ({ target }) => {
      if (nameOf(target) === undefined)
        throw new NamespaceError(`a processing instruction named ${target.slice(0, 40)}`)
      this.#recorder.stop()
      this.#token()
    }
  }

  /** How many runs of markup have been learned. */
  get markupRuns(): number {
    return this.#memory.runs
  }

  /** How many bytes saxes has read. */
  get slowBytes(): number {
    return this.#slowWay.bytes
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
    if (this.#remembered === undefined) this.#readSlowly(chunk)
    else this.#readRemembering(chunk, this.#remembered)
    this.#recorder.stop() // a run across two chunks is not learned
    this.#text.keep()
    this.#lastByte = chunk.at(-1) ?? this.#lastByte
  }

  #readSlowly(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at += subChunk) this.#parse(chunk, at, Math.min(chunk.length, at + subChunk))
    this.#slowWay.bytes += chunk.length
  }

  #readRemembering(chunk: Buffer, remembered: RememberedMarkup): void {
    const { base } = this.bytes
    const slowWay = this.#slowWay
    remembered.chunk(chunk)
    let at = 0
    while (at < chunk.length) {
      if (this.#leaf && this.#boundary === base + at) {
        const node = this.#contexts.of(this.#depth, this.#parser.tags)?.text
        if (node !== undefined && node.runs.length > 0) {
          const end = Math.min(chunk.length, this.#handler.boundAt - base)
          remembered.read(node, chunk, at, end, base)
          const { restart } = remembered
          slowWay.tried(restart - at, end - restart)
          if (restart > at) {
            this.#recorder.end(chunk, base, base + at, node, base + at)
            this.#goOn(base + restart, remembered.context as MarkupContext, remembered.isText)
            at = restart
          }
        }
      }
      const end = slowWay.next(chunk, at, subChunk)
      this.#parse(chunk, at, end)
      at = end
    }
  }

  /** saxes goes on from a boundary which the memory has reached. */
  #goOn(position: number, innermost: MarkupContext, isText: boolean): void {
    const { depth } = innermost
    for (let context = innermost; context.outer !== undefined; context = context.outer) {
      this.#contexts.set(context)
      this.#pathAt[context.depth] = context.path
      this.#scopeAt[context.depth] = context.scope
      this.#tags[context.depth - 1] = context.tag
    }
    this.#tags.length = depth
    this.#depth = depth
    this.#leaf = isText
    this.#text.clear()
    this.#lastEvent = this.#pieceAt = this.#boundary = position
    moveSaxes(this.#parser, position - this.#origin, this.#tags)
  }

  #parse(chunk: Buffer, from: number, to: number): void {
    this.#guard(() => this.#parser.write(chunk.toString('latin1', from, to)))
    if (this.bytes.base + to - this.#lastEvent > feedBounds.tokenBytes) this.#tokenTooLong()
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
    this.#attributes.count = 0
    this.#sawRoot = true
  }

  #byteBack(back: number): number {
    const at = this.position - back - this.bytes.base
    return at < 0 ? this.#lastByte : (this.bytes.chunk[at] as number)
  }

  readonly #onAttribute = ({ name, value }: { name: string; value: string }): void => {
    this.#token()
    this.#attributes.add(name, value, this.position - 1, this.#openAt)
  }

  readonly #onOpen = (tag: SaxesTagPlain): void => {
    const parent = this.#pathAt[this.#depth] as number
    if (this.#leaf && !this.#text.isEmpty && !isBlank(this.#text.latin1())) this.#strayText(parent)
    if (this.#depth >= feedBounds.depth)
      throw new MeterlakeError('FEED_LIMIT', `elements are nested more than ${feedBounds.depth} deep`, {
        byte: this.#openAt,
      })
    let scope = this.#scopeAt[this.#depth] as NamespaceScope
    if (this.#attributes.count > 0) scope = this.#attributes.declare(scope, this.#openAt)
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
    this.#recordOpen(path)
    this.#handler.open(path, this.#openAt)
    if (this.#attributes.count > 0) this.#deliverAttributes(scope, path)
    this.#leaf = true
    this.#pieceAt = this.#boundary = this.position
    this.#text.clear()
    tag.attributes = noAttributes // an open element would keep slices of the chunk alive
    this.#token()
  }

  readonly #onClose = (): void => {
    const path = this.#pathAt[this.#depth] as number
    const at = this.#tagAt[this.#depth] as number
    this.#recordClose(path)
    if (this.#leaf) {
      const { from, to, pieces, length } = this.#text
      const { chunk, base } = this.bytes
      if (length > 0) this.#handler.value(path, pieces, 0, length, at)
      else if (from < 0) this.#handler.value(path, chunk, 0, 0, at)
      else this.#handler.value(path, chunk, from - base, to - base, at)
    }
    this.#handler.close(path, at, this.position)
    this.#depth -= 1
    this.#leaf = false
    this.#boundary = this.position
    this.#token()
  }

  readonly #onText = (text: string): void => {
    const end = this.position - 1
    if (end - this.#lastEvent > feedBounds.tokenBytes) this.#tokenTooLong()
    const from = end - text.length
    const own = this.#text
    // saxes makes a line feed of CR LF and of CR
    const isAsSent = from === this.#pieceAt && !(this.#hasCarriageReturn && text.includes('\n'))
    if (this.#leaf && isAsSent && from >= this.bytes.base && own.from < 0 && own.length === 0) {
      own.from = from
      own.to = end
    } else this.#onPiece(text)
  }

  /** A piece of text that is not simply a range of the chunk. */
  #onPiece(text: string): void {
    if (this.#leaf) this.#text.add(text)
    else if (this.#depth > 0 && !isBlank(text)) this.#strayText(this.#pathAt[this.#depth] as number)
  }

  #strayText(path: number): void {
    this.#recorder.stop()
    this.#handler.stray('element', `${this.paths.name(path)}/text()`, this.#tagAt[this.#depth] as number)
  }

  #deliverAttributes(scope: NamespaceScope, path: number): void {
    const attributes = this.#attributes
    for (let index = 0; index < attributes.count; index++) {
      const kind = attributes.kind(index, scope, path)
      if (kind === unknown) {
        const shown = `${this.paths.name(path)}@${attributes.shownName(index, scope)}`
        this.#recorder.stray(this.#depth, shown)
        this.#handler.stray('attribute', shown, this.#openAt)
      } else if (kind !== silent) {
        const value = attributes.value(index)
        if (index === this.#hole) this.#recorder.href(path)
        else this.#recorder.attribute(path, kind, value)
        this.#text.clear()
        this.#text.add(value)
        this.#handler.attribute(path, kind, this.#text.pieces, 0, value.length)
      }
    }
  }

  /** A start tag becomes part of the run at hand; where it holds an href, the run ends there and another begins. */
  #recordOpen(path: number): void {
    const recorder = this.#recorder
    this.#contexts.forget(this.#depth)
    this.#hole = -1
    if (this.#remembered === undefined || this.#slowWay.hasty) return recorder.stop()
    this.#hole = this.#attributes.hrefIndex(path)
    if (this.#hole >= 0) return this.#recordHole(path)
    if (recorder.active) recorder.open(path, this.#openAt, this.#depth)
  }

  #recordHole(path: number): void {
    const recorder = this.#recorder
    const { chunk, base } = this.bytes
    const value = this.#attributes.value(this.#hole)
    const end = this.#attributes.end(this.#hole)
    const from = end - value.length
    const quote = chunk[end - base] as number
    const outer = this.#contexts.of(this.#depth - 1, this.#parser.tags)
    const isAsSent = this.#openAt >= base && from > this.#openAt && chunk[from - 1 - base] === quote && isPlain(value)
    if (outer === undefined || !isAsSent) return recorder.stop()
    const node = this.#memory.tagState(outer, chunk.subarray(this.#openAt - base, from - base))
    recorder.end(chunk, base, from, node, this.#boundary)
    recorder.begin(node, end)
    recorder.openHeld(path, this.#depth)
  }

  /** The end of an element becomes part of the run at hand; where it had a text, that was the value, and a run begins. */
  #recordClose(path: number): void {
    const recorder = this.#recorder
    const depth = this.#depth
    if (this.#remembered === undefined || this.#slowWay.hasty) recorder.stop()
    else if (this.#leaf) {
      const { chunk, base } = this.bytes
      const { from, to, length } = this.#text
      if (length > 0) recorder.stop()
      else if (from < 0 || isBlank(this.#text.latin1())) recorder.value(path, depth, from, to)
      else {
        const context = this.#contexts.of(depth, this.#parser.tags)
        const node = context && this.#memory.textState(context, this.#handler.interest(path))
        recorder.end(chunk, base, from, node, from)
        recorder.begin(node, to)
      }
    }
    if (recorder.active) recorder.close(path, depth, this.position)
    this.#contexts.forget(depth)
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

const isPlain = (value: string) => /^[ -~]*$/.test(value)

const noAttributes: Record<string, string> = {}
