/**
 * Namespaces in XML 1.0 over a saxes that knows none: exact, and cheaper than its own, because a scope is interned. The same
 * bindings come again on every element of a Share My Data feed; each resolves to a scope that has seen its names before.
 */
import { nameOf } from './xml-name.ts'

const xmlNamespace = 'http://www.w3.org/XML/1998/namespace'
const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/'

export interface ExpandedName {
  readonly uri: string
  readonly local: string
}

/** Thrown for a breach of Namespaces in XML; becomes FEED_NOT_WELL_FORMED. */
export class NamespaceError extends Error {}

/** A copy: what saxes hands out may be a slice that keeps its whole chunk alive. */
export const ownText = (text: string): string => Buffer.from(text, 'latin1').toString('latin1')

export class NamespaceScope {
  /** Path ids of children by raw name, by parent path: filled by the XML source. */
  readonly children: (Map<string, number> | undefined)[] = []
  readonly #bindings: ReadonlyMap<string, string>
  readonly #declared = new Map<string, NamespaceScope>()
  readonly #attributes = new Map<string, ExpandedName>()
  readonly #count: { scopes: number }

  constructor(
    bindings: ReadonlyMap<string, string> = new Map([
      ['xml', xmlNamespace],
      ['', ''],
    ]),
    count = { scopes: 0 },
  ) {
    this.#bindings = bindings
    this.#count = count
    count.scopes += 1
  }

  /** How many scopes the document has brought. */
  get scopes(): number {
    return this.#count.scopes
  }

  /** The scope with one more declaration: `xmlns="uri"` (prefix '') or `xmlns:prefix="uri"`. */
  declare(prefix: string, uri: string): NamespaceScope {
    if (this.#bindings.get(prefix) === uri && prefix !== 'xml') return this
    const key = `${prefix} ${uri}`
    const known = this.#declared.get(key)
    if (known !== undefined) return known
    if (prefix === 'xmlns') throw new NamespaceError('the prefix xmlns may not be declared')
    if ((prefix === 'xml') !== (uri === xmlNamespace))
      throw new NamespaceError('the prefix xml and its namespace belong together')
    if (uri === xmlnsNamespace) throw new NamespaceError('no prefix may be bound to the namespace of xmlns')
    if (uri === '' && prefix !== '') throw new NamespaceError(`the prefix ${prefix} is undeclared by an empty URI`)
    if (prefix !== '' && nameOf(prefix) === undefined) throw new NamespaceError(`malformed name xmlns:${prefix}`)
    const bindings = new Map(this.#bindings).set(ownText(prefix), ownText(uri))
    const scope = new NamespaceScope(bindings, this.#count)
    this.#declared.set(ownText(key), scope)
    return scope
  }

  /** The expanded name of an element. */
  element(name: string): ExpandedName {
    return this.#expand(name, this.#bindings.get('') ?? '')
  }

  /** The expanded name of an attribute: the default namespace does not apply. */
  attribute(name: string): ExpandedName {
    const known = this.#attributes.get(name)
    if (known !== undefined) return known
    const own = ownText(name)
    const expanded = this.#expand(own, '')
    if (this.#attributes.size < 1024) this.#attributes.set(own, expanded)
    return expanded
  }

  #expand(name: string, unprefixed: string): ExpandedName {
    const colon = name.indexOf(':')
    const prefix = colon < 0 ? undefined : name.slice(0, colon)
    const local = nameOf(name.slice(colon + 1))
    if (local === undefined || (prefix !== undefined && nameOf(prefix) === undefined))
      throw new NamespaceError(`malformed name ${name}`)
    if (prefix === undefined) return { uri: unprefixed, local }
    const uri = this.#bindings.get(prefix)
    if (uri === undefined || prefix === 'xmlns') throw new NamespaceError(`the prefix ${prefix} is not declared`)
    return { uri, local }
  }
}
