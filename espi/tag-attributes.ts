/** The attributes of the start tag at hand. */
import { MeterlakeError } from '../schemas/errors.ts'
import { hrefAttribute, relAttribute } from './element-handler.ts'
import { entryLink, feedLink } from './element-paths.ts'
import { feedBounds } from './feed-bounds.ts'
import { type ExpandedName, NamespaceError, type NamespaceScope } from './namespace-scope.ts'

/** Attributes that carry no data of ours. */
const silentAttributes = new Set(['type', 'title', 'length', 'hreflang'])
const xsi = 'http://www.w3.org/2001/XMLSchema-instance'
const isDeclaration = (name: string) => name === 'xmlns' || name.startsWith('xmlns:')

/** What becomes of an attribute: see {@link TagAttributes.kind}. */
export const silent = -1
export const unknown = 0

export class TagAttributes {
  count = 0
  readonly #names: string[] = []
  readonly #values: string[] = []
  readonly #ends: number[] = []
  readonly #seen: ExpandedName[] = []

  /** `end` is the offset of the closing quote, `tagAt` that of the tag. */
  add(name: string, value: string, end: number, tagAt: number): void {
    if (this.count >= feedBounds.attributesPerElement)
      throw new MeterlakeError('FEED_LIMIT', `an element has more than ${feedBounds.attributesPerElement} attributes`, {
        byte: tagAt,
      })
    this.#names[this.count] = name
    this.#values[this.count] = value
    this.#ends[this.count] = end
    this.count += 1
  }

  value(index: number): string {
    return this.#values[index] as string
  }

  /** Offset of its closing quote. */
  end(index: number): number {
    return this.#ends[index] as number
  }

  /** Which one is the href of a link: -1 where none is. */
  hrefIndex(path: number): number {
    if (path !== entryLink && path !== feedLink) return -1
    for (let index = 0; index < this.count; index++) if (this.#names[index] === 'href') return index
    return -1
  }

  /** The scope within the element. */
  declare(outer: NamespaceScope, tagAt: number): NamespaceScope {
    let scope = outer
    for (let index = 0; index < this.count; index++) {
      const name = this.#names[index] as string
      if (name === 'xmlns') scope = scope.declare('', (this.#values[index] as string).trim())
      else if (name === 'xmlns:') throw new NamespaceError('malformed name xmlns:')
      else if (name.startsWith('xmlns:')) scope = scope.declare(name.slice(6), (this.#values[index] as string).trim())
    }
    if (scope.scopes > feedBounds.namespaceScopes)
      throw new MeterlakeError('FEED_LIMIT', 'too many different namespace declarations', { byte: tagAt })
    return scope
  }

  /**
   * {@link hrefAttribute}, {@link relAttribute}, {@link silent} or {@link unknown}. To be asked of each in turn, from 0: throws
   * NamespaceError where two are the same.
   */
  kind(index: number, scope: NamespaceScope, path: number): number {
    if (index === 0) this.#seen.length = 0
    const name = this.#names[index] as string
    if (isDeclaration(name)) return silent
    const expanded = scope.attribute(name)
    if (expanded.uri !== '') {
      if (this.#seen.some((other) => other.uri === expanded.uri && other.local === expanded.local))
        throw new NamespaceError(`duplicate attribute ${name}`)
      this.#seen.push(expanded)
      return expanded.uri === xsi ? silent : unknown
    }
    if (path === entryLink || path === feedLink) {
      if (name === 'href') return hrefAttribute
      if (name === 'rel') return relAttribute
    }
    return silentAttributes.has(name) ? silent : unknown
  }

  /** The name as drift shows it. */
  shownName(index: number, scope: NamespaceScope): string {
    const { uri, local } = scope.attribute(this.#names[index] as string)
    return uri === '' ? local : `{${uri}}${local}`
  }
}
