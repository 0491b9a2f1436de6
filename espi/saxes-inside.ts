/** The saxes parser as the XML source drives it: over bytes as latin1 characters, its fields set by name. Its version is pinned. */
import { SaxesParser, type SaxesTagPlain } from 'saxes'
import { MeterlakeError } from '../schemas/errors.ts'
import { adaptNames } from './xml-name.ts'

/**
 * Fields of saxes. Handlers are stored here by name because `on()` stores them by a computed key, and after a dozen of those V8 keeps
 * the parser as a dictionary: seven times slower.
 */
export interface SaxesInside {
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
  readonly position: number
  write(chunk: string): void
  close(): void
  readonly tags: SaxesTagPlain[]
  chunk: string
  chunkPosition: number
  i: number
}

/** A parser whose character references give UTF-8 bytes, as the latin1 characters the rest of the text is made of. */
export function openSaxes(): SaxesInside {
  const options = { xmlns: false, position: false, defaultXMLVersion: '1.0', forceXMLVersion: true } as const
  const saxes = new SaxesParser(options)
  adaptNames(saxes)
  const parser = saxes as unknown as SaxesInside
  const parseEntity = parser.parseEntity.bind(parser)
  parser.parseEntity = (entity) => {
    const text = parseEntity(entity)
    return text.length === 1 && text.charCodeAt(0) < 128 ? text : Buffer.from(text, 'utf8').toString('latin1')
  }
  return parser
}

/**
 * Sets a parser that stands between two tags inside the root to another such place, at this offset. `tags` is what is open there. All
 * else that saxes keeps is the same between any two tags: no text, no name, no attributes begun.
 */
export function moveSaxes(parser: SaxesInside, position: number, tags: readonly SaxesTagPlain[]): void {
  parser.tags.length = 0
  for (const tag of tags) parser.tags.push(tag)
  parser.chunk = ''
  parser.i = 0
  parser.chunkPosition = position
}

export function onDeclaration({ encoding }: { encoding?: string }): void {
  if (encoding === undefined || /^(utf-?8|(us-)?ascii)$/i.test(encoding)) return
  const message = `the XML declaration says ${encoding.slice(0, 40)}, not UTF-8`
  throw new MeterlakeError('FEED_ENCODING', message, { byte: 0 })
}

export function onDoctype(doctype: string, byte: number): never {
  if (/^\s*html\b/i.test(doctype)) throw new MeterlakeError('FEED_NOT_XML', 'the body is an HTML page', { byte: 0 })
  throw new MeterlakeError('FEED_DOCTYPE', 'the feed has a DOCTYPE', { byte })
}
