/**
 * What saxes has accepted before, kept so that the same bytes in the same state need not be parsed again (Takase, Miyashita, Suzumura,
 * Tatsubori: An adaptive, fast, and safe XML parser based on byte sequences memorization, WWW 2005).
 *
 * A state is a {@link MarkupNode}: the open elements with their raw names and the bindings in scope ({@link MarkupContext}), and where
 * in them we stand: in the text of the innermost, or behind the opening quote of an attribute, with the literal bytes of its tag.
 * A {@link MarkupRun} is all bytes between the end of that value and the next one.
 */
import type { SaxesTagPlain } from 'saxes'
import { interest } from './element-handler.ts'
import type { NamespaceScope } from './namespace-scope.ts'

/** Bounds of what is remembered. Real feeds: about 50 runs, 40 states, 15 KB. Beyond them saxes reads on and nothing is learned. */
export const markupBounds = {
  runBytes: 4096,
  runsPerState: 48,
  states: 1024,
  contexts: 1024,
  /** Bytes of all runs, and of the tags begun that tell states apart. */
  bytes: 1 << 20,
  /** Steps of a run: elements opened, closed and so on, as integers. */
  runSteps: 1024,
  /** A longer value goes to saxes. */
  valueBytes: 1 << 14,
} as const

/** The open elements, innermost first: equal only where every raw name and every binding is. */
export class MarkupContext {
  readonly outer: MarkupContext | undefined
  readonly depth: number
  readonly path: number
  readonly scope: NamespaceScope
  /** The tag as saxes keeps it on its stack. */
  readonly tag: SaxesTagPlain
  readonly inner = new Map<string, MarkupContext[]>()
  /** The state within its text. */
  text: MarkupNode | undefined
  /** States within a start tag below it, by the bytes of the tag so far. */
  readonly tags = new Map<string, MarkupNode>()

  constructor(outer: MarkupContext | undefined, path: number, scope: NamespaceScope, tag: SaxesTagPlain) {
    this.outer = outer
    this.depth = outer === undefined ? 0 : outer.depth + 1
    this.path = path
    this.scope = scope
    this.tag = tag
  }
}

export class MarkupNode {
  /** Elements open at the last boundary between tags. */
  readonly context: MarkupContext
  /** 0 in a text; else the quote that ends the attribute's value. */
  readonly quote: number
  /** Bytes of the tag so far. */
  readonly tagLength: number
  readonly path: number
  readonly depth: number
  /** Whether the feed layer wants the value, and whether it wants it as an integer. */
  readonly wanted: boolean
  readonly integer: boolean
  /** The most frequent first. */
  readonly runs: MarkupRun[] = []

  constructor(context: MarkupContext, quote: number, tagLength: number, interests: number) {
    this.context = context
    this.quote = quote
    this.tagLength = tagLength
    this.path = context.path
    this.depth = context.depth
    this.wanted = quote === 0 && (interests & interest.value) !== 0
    this.integer = quote === 0 && (interests & interest.integer) !== 0
  }
}

/** What a run does, step by step: see `step` in markup-recorder.ts. */
export interface LearnedRun {
  readonly bytes: Buffer
  readonly steps: Int32Array
  readonly literals: readonly Buffer[]
  readonly names: readonly string[]
  readonly next: MarkupNode
  /** How far before its end the last boundary between tags lies. */
  readonly restartBack: number
}

export class MarkupRun {
  readonly length: number
  /** The bytes four at a time; the last word overlaps the one before it. */
  readonly words: Int32Array
  readonly bytes: Buffer
  readonly steps: Int32Array
  readonly literals: readonly Buffer[]
  readonly names: readonly string[]
  readonly next: MarkupNode
  readonly restartBack: number
  hits = 0

  constructor(run: LearnedRun) {
    this.bytes = run.bytes
    this.length = run.bytes.length
    this.words = new Int32Array((run.bytes.length >> 2) + 1)
    const view = new DataView(run.bytes.buffer, run.bytes.byteOffset, run.bytes.length)
    for (let word = 0; word < run.bytes.length >> 2; word++) this.words[word] = view.getInt32(4 * word, true)
    this.words[run.bytes.length >> 2] = view.getInt32(run.bytes.length - 4, true)
    this.steps = run.steps
    this.literals = run.literals
    this.names = run.names
    this.next = run.next
    this.restartBack = run.restartBack
  }
}

const isLearnable = (bytes: Buffer): boolean => {
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (byte > 0x7e || byte === 0x26) return false
    if (byte < 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return false
    if (byte === 0x3c && (bytes[at + 1] === 0x21 || bytes[at + 1] === 0x3f)) return false
  }
  return true
}

export class MarkupMemory {
  runs = 0
  #states = 0
  #contexts = 0
  #bytes = 0

  /** The context of an element that is open below another; undefined past the bound. */
  context(outer: MarkupContext, name: string, scope: NamespaceScope, path: number): MarkupContext | undefined {
    let same = outer.inner.get(name)
    if (same !== undefined) for (const context of same) if (context.scope === scope) return context
    if (this.#contexts >= markupBounds.contexts) return undefined
    this.#contexts += 1
    const ownName = Buffer.from(name, 'latin1').toString('latin1')
    const context = new MarkupContext(outer, path, scope, { name: ownName, attributes: {}, isSelfClosing: false })
    if (same === undefined) outer.inner.set(ownName, (same = []))
    same.push(context)
    return context
  }

  /** The state within the text of the innermost element; undefined past the bound. */
  textState(context: MarkupContext, interests: number): MarkupNode | undefined {
    if (context.text === undefined && this.#states < markupBounds.states) {
      this.#states += 1
      context.text = new MarkupNode(context, 0, 0, interests)
    }
    return context.text
  }

  /** The state behind the opening quote of an attribute; `tag` is all of its tag so far. Undefined past a bound. */
  tagState(context: MarkupContext, tag: Buffer): MarkupNode | undefined {
    const key = tag.toString('latin1')
    const known = context.tags.get(key)
    if (known !== undefined) return known
    if (this.#states >= markupBounds.states || tag.length > markupBounds.runBytes || !isLearnable(tag)) return undefined
    if (this.#bytes + tag.length > markupBounds.bytes) return undefined
    this.#states += 1
    this.#bytes += tag.length
    const node = new MarkupNode(context, tag.at(-1) as number, tag.length, 0)
    context.tags.set(key, node)
    return node
  }

  /** Remembers a run that saxes has accepted; its bytes are copied. Past a bound, or if it is known or not to be learned: nothing. */
  learn(from: MarkupNode, run: LearnedRun): void {
    const { length } = run.bytes
    if (length < 4 || length > markupBounds.runBytes || run.steps.length > markupBounds.runSteps) return
    if (from.runs.length >= markupBounds.runsPerState || this.#bytes + length > markupBounds.bytes) return
    if (!isLearnable(run.bytes)) return
    for (const known of from.runs) if (known.bytes.equals(run.bytes)) return
    this.#bytes += length
    this.runs += 1
    from.runs.push(new MarkupRun({ ...run, bytes: Buffer.from(run.bytes) }))
  }
}
