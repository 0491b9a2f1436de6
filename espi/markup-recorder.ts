/** What saxes tells between one value and the next, written down as the steps of a run. */
import { type ElementHandler, interest } from './element-handler.ts'
import { type MarkupMemory, type MarkupNode, markupBounds } from './markup-memory.ts'

/** Steps of a run: a code, then its operands. Offsets count from the run's first byte. */
export const step = {
  /** path, offset of its `<`, depth */
  open: 0,
  /** path, depth: the element whose tag holds the value before the run */
  openHeld: 1,
  /** path, depth, offset behind it */
  close: 2,
  /** path, depth, from + 65,536 times its length: empty or blank text of an element without children */
  value: 3,
  /** path: the value before the run is an href */
  href: 4,
  /** path, attribute, index of its bytes */
  attribute: 5,
  /** depth, index of the name: an attribute no one knows */
  stray: 6,
  /** depth, offset of its `<`: a start tag the feed layer need not hear of */
  mark: 7,
  /** depth: the same, of the element whose tag holds the value before the run */
  markHeld: 8,
} as const

export class MarkupRecorder {
  readonly #memory: MarkupMemory
  readonly #handler: ElementHandler
  #from: MarkupNode | undefined
  #start = 0
  readonly #steps = new Int32Array(markupBounds.runSteps + 8)
  #length = 0
  #literals: Buffer[] = []
  #names: string[] = []

  constructor(memory: MarkupMemory, handler: ElementHandler) {
    this.#memory = memory
    this.#handler = handler
  }

  get active(): boolean {
    return this.#from !== undefined
  }

  /** A value has ended at this offset: what comes now is a run. */
  begin(from: MarkupNode | undefined, start: number): void {
    this.#from = from
    this.#start = start
    this.#length = 0
    if (this.#literals.length > 0) this.#literals = []
    if (this.#names.length > 0) this.#names = []
  }

  /** What is read now is not to be learned. */
  stop(): void {
    this.#from = undefined
  }

  open(path: number, at: number, depth: number): void {
    if (this.#wants(path, interest.open)) this.#add(step.open, path, at - this.#start, depth)
    else this.#add(step.mark, depth, at - this.#start, 0)
  }

  openHeld(path: number, depth: number): void {
    if (this.#wants(path, interest.open)) this.#add(step.openHeld, path, depth, 0)
    else this.#add(step.markHeld, depth, 0, 0)
  }

  close(path: number, depth: number, end: number): void {
    if (this.#wants(path, interest.close)) this.#add(step.close, path, depth, end - this.#start)
  }

  value(path: number, depth: number, from: number, to: number): void {
    if (!this.#wants(path, interest.value)) return
    const at = from < 0 ? 0 : from - this.#start
    this.#add(step.value, path, depth, at + (to - from) * 65_536)
  }

  href(path: number): void {
    this.#add(step.href, path, 0, 0)
  }

  attribute(path: number, attribute: number, value: string): void {
    if (this.#from === undefined) return
    this.#add(step.attribute, path, attribute, this.#literals.length)
    this.#literals.push(Buffer.from(value, 'latin1'))
  }

  stray(depth: number, name: string): void {
    if (this.#from === undefined) return
    this.#add(step.stray, depth, this.#names.length, 0)
    this.#names.push(name)
  }

  /** The next value begins: the run is whole. `boundary` is the offset behind the last tag of the run. */
  end(chunk: Buffer, base: number, end: number, next: MarkupNode | undefined, boundary: number): void {
    const from = this.#from
    this.#from = undefined
    if (from === undefined || next === undefined || this.#start < base || boundary < this.#start) return
    this.#memory.learn(from, {
      bytes: chunk.subarray(this.#start - base, end - base),
      steps: this.#steps.slice(0, this.#length),
      literals: this.#literals,
      names: this.#names,
      next,
      restartBack: end - boundary,
    })
  }

  #wants(path: number, what: number): boolean {
    return (this.#handler.interest(path) & what) !== 0
  }

  #add(code: number, first: number, second: number, third: number): void {
    if (this.#from === undefined) return
    const at = this.#length
    if (at + 4 > markupBounds.runSteps) return this.stop()
    this.#steps[at] = code
    this.#steps[at + 1] = first
    this.#steps[at + 2] = second
    this.#steps[at + 3] = third
    this.#length = at + 4
  }
}
