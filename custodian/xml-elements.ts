/** Small XML answers (token, notification, status) as a flat list of elements. Feeds are not read with this. */
import { SaxesParser } from 'saxes'

export interface XmlElement {
  readonly namespace: string
  readonly name: string
  /** Its own text, without that of its children, as it stands. */
  readonly text: string
  /** Index of the parent in the list; -1 for the root. */
  readonly parent: number
  /** Attributes by local name, as they stand. */
  readonly attributes: Readonly<Record<string, string>>
}

const maxDepth = 64

/** Elements in document order. Throws an Error saying what is wrong: not UTF-8, not well-formed, a DOCTYPE, too deep. */
export function readXmlElements(bytes: Uint8Array): readonly XmlElement[] {
  const parser = new SaxesParser({ xmlns: true, position: false })
  const elements: (Omit<XmlElement, 'text'> & { text: string })[] = []
  const open: number[] = []
  const addText = (text: string): void => {
    const element = elements[open.at(-1) ?? -1]
    if (element !== undefined) element.text += text
  }
  parser.on('doctype', () => {
    throw new Error('it has a DOCTYPE')
  })
  parser.on('opentag', (tag) => {
    if (open.length >= maxDepth) throw new Error(`it is nested deeper than ${maxDepth}`)
    const attributes = Object.fromEntries(Object.values(tag.attributes).map(({ local, value }) => [local, value]))
    elements.push({ namespace: tag.uri, name: tag.local, text: '', parent: open.at(-1) ?? -1, attributes })
    open.push(elements.length - 1)
  })
  parser.on('closetag', () => void open.pop())
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('error', () => {
    // The parser's own message quotes the document.
    throw new Error('it is not well-formed XML')
  })
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Error('it is not UTF-8')
  }
  parser.write(text).close()
  return elements
}
