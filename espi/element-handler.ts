/**
 * What stands between the XML layer and the feed layer: integers and byte ranges only, so that the feed layer is the same whether
 * saxes reads the bytes or remembered markup does.
 */

/** Attributes of atom:link that carry data. */
export const hrefAttribute = 1
export const relAttribute = 2

/** What of an element the feed layer does something with: bits. */
export const interest = {
  open: 1,
  close: 2,
  value: 4,
  /** Its text is an integer: where it is one, of at most 15 digits, it may come by `integer`. */
  integer: 8,
  all: 7,
} as const

/**
 * What the feed layer hears. Paths are ids of ElementPaths; offsets are byte offsets in the raw file. Byte ranges are valid during the
 * call only.
 */
export interface ElementHandler {
  /** Beyond this offset a bound may be broken: every element is told by saxes, one by one. */
  readonly boundAt: number
  /** Bits of {@link interest}: the rest of what happens at a path need not be told, for it changes nothing, ever. */
  interest(path: number): number
  /** A start tag, whose `<` is at `at`. */
  open(path: number, at: number): void
  /** href or rel of an atom:link. */
  attribute(path: number, attribute: number, bytes: Buffer, from: number, to: number): void
  /** The text of an element without children, before its `close`; empty where it has none. */
  value(path: number, bytes: Buffer, from: number, to: number, at: number): void
  /** The text of an element without children is this integer. */
  integer(path: number, value: number, at: number): void
  /** The end of the element that began at `at`; `end` is the byte after its last. */
  close(path: number, at: number, end: number): void
  /** Text beside elements, or an attribute no one knows. */
  stray(kind: 'element' | 'attribute', name: string, at: number): void
}
