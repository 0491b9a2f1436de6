/**
 * Reads on from a value by what is remembered: value, run, value, run, until something is not known. Then it says from which boundary
 * between tags saxes must take over; nothing behind that boundary has been told.
 */
import type { ElementHandler } from './element-handler.ts'
import { hrefAttribute } from './element-handler.ts'
import { type MarkupContext, type MarkupNode, type MarkupRun, markupBounds } from './markup-memory.ts'
import { step } from './markup-recorder.ts'

/** 1: may stand in a text; 2: in a value between double quotes; 4: in single quotes; 8: may be the first of a text. */
const safe = new Uint8Array(256)
for (let byte = 0x20; byte <= 0x7e; byte++) {
  if (byte === 0x3c || byte === 0x26) continue
  if (byte !== 0x5d) safe[byte] = 1 | (byte > 0x20 ? 8 : 0)
  if (byte !== 0x22) safe[byte] = (safe[byte] as number) | 2
  if (byte !== 0x27) safe[byte] = (safe[byte] as number) | 4
}

export class RememberedMarkup {
  readonly #handler: ElementHandler
  /** Offsets of the open tags by depth, shared with the reader of saxes' events. */
  readonly #tagAt: Float64Array
  #view: DataView = new DataView(new ArrayBuffer(0))
  /** Where saxes goes on, in the chunk; in which context; and whether that is the beginning of a text. */
  restart = 0
  context: MarkupContext | undefined
  isText = false

  constructor(handler: ElementHandler, tagAt: Float64Array) {
    this.#handler = handler
    this.#tagAt = tagAt
  }

  /** The chunk whose values are read from now on. */
  chunk(chunk: Buffer): void {
    this.#view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length)
  }

  /** Reads chunk[from, end), of which the first byte has the offset `base`, from the text at `from`. */
  read(start: MarkupNode, chunk: Buffer, from: number, end: number, base: number): void {
    const handler = this.#handler
    const tagAt = this.#tagAt
    const view = this.#view
    let node = start
    let at = from
    let last: MarkupRun | undefined
    for (;;) {
      const { quote } = node
      let to = at
      let integer = 0
      let digits = 0
      if (node.integer) {
        const isNegative = chunk[at] === 0x2d
        if (isNegative) to += 1
        const first = to
        let digit = 0
        while (to < end && (digit = (chunk[to] as number) - 0x30) >= 0 && digit <= 9) {
          integer = integer * 10 + digit
          to += 1
        }
        digits = to - first
        if (digits > 15 || chunk[to] !== 0x3c) digits = 0
        if (digits === 0) to = at
        else if (isNegative && integer !== 0) integer = -integer
      }
      if (digits === 0) {
        const mask = quote === 0 ? 1 : quote === 0x22 ? 2 : 4
        const limit = end - at > markupBounds.valueBytes ? at + markupBounds.valueBytes : end
        while (to < limit && ((safe[chunk[to] as number] as number) & mask) !== 0) to += 1
        if (to >= limit || (quote === 0 && ((safe[chunk[at] as number] as number) & 8) === 0)) break
      }
      const run = this.#match(node, chunk, view, to, end)
      if (run === undefined) break
      if (digits !== 0) handler.integer(node.path, integer, tagAt[node.depth] as number)
      else if (node.wanted) handler.value(node.path, chunk, at, to, tagAt[node.depth] as number)
      if (run.steps.length > 0) this.#replay(run, chunk, base, to, at, base + at - node.tagLength)
      last = run
      at = to + run.length
      node = run.next
    }
    this.context = node.context
    this.isText = node.quote === 0
    this.restart = node.quote === 0 || last === undefined ? at : at - last.restartBack
  }

  /** The known run that stands at `at`, if any. */
  #match(node: MarkupNode, chunk: Buffer, view: DataView, at: number, end: number): MarkupRun | undefined {
    const { runs } = node
    next: for (let index = 0; index < runs.length; index++) {
      const run = runs[index] as MarkupRun
      const { length, words } = run
      const stop = at + length
      if (stop >= end) continue
      if (view.getInt32(stop - 4, true) !== words[length >> 2]) continue
      const count = length >> 2
      for (let word = 0; word < count; word++) if (view.getInt32(at + 4 * word, true) !== words[word]) continue next
      // the beginning of a longer run: its text would be empty or blank
      if (run.next.quote === 0 && ((safe[chunk[stop] as number] as number) & 8) === 0) continue
      run.hits += 1
      if (index > 0 && run.hits > (runs[index - 1] as MarkupRun).hits) {
        runs[index] = runs[index - 1] as MarkupRun
        runs[index - 1] = run
      }
      return run
    }
    return undefined
  }

  /** Tells what saxes told when it read these bytes. `from` is where the value before the run began, `held` where its tag did. */
  #replay(run: MarkupRun, chunk: Buffer, base: number, start: number, from: number, held: number): void {
    const handler = this.#handler
    const tagAt = this.#tagAt
    const { steps } = run
    const runAt = base + start
    for (let at = 0; at < steps.length; at += 4) {
      const first = steps[at + 1] as number
      const second = steps[at + 2] as number
      const third = steps[at + 3] as number
      switch (steps[at]) {
        case step.open:
          tagAt[third] = runAt + second
          handler.open(first, runAt + second)
          break
        case step.openHeld:
          tagAt[second] = held
          handler.open(first, held)
          break
        case step.close:
          handler.close(first, tagAt[second] as number, runAt + third)
          break
        case step.value:
          handler.value(
            first,
            chunk,
            start + (third & 0xffff),
            start + (third & 0xffff) + (third >> 16),
            tagAt[second] as number,
          )
          break
        case step.mark:
          tagAt[first] = runAt + second
          break
        case step.markHeld:
          tagAt[first] = held
          break
        case step.href:
          handler.attribute(first, hrefAttribute, chunk, from, start)
          break
        case step.attribute: {
          const literal = run.literals[third] as Buffer
          handler.attribute(first, second, literal, 0, literal.length)
          break
        }
        default:
          handler.stray('attribute', run.names[second] as string, tagAt[first] as number)
      }
    }
  }
}
