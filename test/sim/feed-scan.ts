/** A scan of feeds for tests: saxes events into plain entries. Shares nothing with the product's reader or the generator. */
import { SaxesParser } from 'saxes'

export interface ScannedNode {
  /** `{namespace}local`. */
  readonly name: string
  /** Attribute name (prefix as written, xmlns left out) → value. */
  readonly attributes: Readonly<Record<string, string>>
  readonly children: ScannedNode[]
  text: string
}

/** The document as a tree. Throws where it is not well-formed. */
export function scan(xml: string): ScannedNode {
  const parser = new SaxesParser({ xmlns: true })
  const root: ScannedNode = { name: '#document', attributes: {}, children: [], text: '' }
  const open = [root]
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', (tag) => {
    const attributes = Object.fromEntries(
      Object.values(tag.attributes)
        .filter((attribute) => attribute.prefix !== 'xmlns' && attribute.name !== 'xmlns')
        .map((attribute) => [attribute.name, attribute.value]),
    )
    const node: ScannedNode = { name: `{${tag.uri}}${tag.local}`, attributes, children: [], text: '' }
    open.at(-1)?.children.push(node)
    open.push(node)
  })
  parser.on('text', (text) => {
    const node = open.at(-1)
    if (node) node.text += text
  })
  parser.on('closetag', () => {
    open.pop()
  })
  parser.write(xml).close()
  return root.children[0] as ScannedNode
}

const local = (name: string): string => name.slice(name.indexOf('}') + 1)

export const child = (node: ScannedNode | undefined, name: string): ScannedNode | undefined =>
  node?.children.find((candidate) => local(candidate.name) === name)
export const all = (node: ScannedNode, name: string): ScannedNode[] =>
  node.children.filter((candidate) => local(candidate.name) === name)
export const textAt = (node: ScannedNode | undefined, ...path: readonly string[]): string | undefined =>
  path.reduce<ScannedNode | undefined>((at, name) => child(at, name), node)?.text

export interface ScannedEntry {
  readonly kind: string
  readonly self: string
  readonly up: string
  readonly related: readonly string[]
  readonly id: string
  readonly published_ms: number
  readonly payload: ScannedNode
  readonly entry: ScannedNode
}

/** Entries of a feed in file order. */
export function entriesIn(feed: ScannedNode): ScannedEntry[] {
  return all(feed, 'entry').map((entry) => {
    const links = all(entry, 'link')
    const hrefs = (rel: string): string[] =>
      links.filter(({ attributes }) => attributes['rel'] === rel).map(({ attributes }) => attributes['href'] ?? '')
    const payload = child(entry, 'content')?.children[0] as ScannedNode
    return {
      kind: local(payload.name),
      self: hrefs('self')[0] ?? '',
      up: hrefs('up')[0] ?? '',
      related: hrefs('related'),
      id: textAt(entry, 'id') ?? '',
      published_ms: Date.parse(textAt(entry, 'published') ?? ''),
      payload,
      entry,
    }
  })
}

/** Every element path below a node with the attribute names it carries: the shape of the document. */
export function shapeOf(node: ScannedNode, above = ''): Set<string> {
  const path = `${above}/${node.name}`
  const types = Object.entries(node.attributes)
    .map(([name, value]) => (name === 'xsi:type' || name === 'type' || name === 'rel' ? `${name}=${value}` : name))
    .sort()
  const shape = new Set([`${path} [${types.join(' ')}]`])
  for (const inner of node.children) for (const line of shapeOf(inner, path)) shape.add(line)
  return shape
}
