/** A payload that is not made of readings: its leaf elements as text, in document order. */
import { int48 } from '../schemas/espi-codes.ts'
import { integerOf } from './integer-text.ts'

export interface Leaf {
  /** Path below the payload: `overallConsumptionLastPeriod/value`. */
  readonly name: string
  /** Trimmed; never empty. */
  readonly text: string
  readonly at: number
  /** Ordinal of the payload's child the leaf stands in (or is), from 0: tells repeated children apart. */
  readonly group: number
  /** The same of the child below that one; -1 where there is none. */
  readonly inner: number
}

/** A value of a payload that breaks a rule; costs the entry. */
export class LeafError extends Error {
  readonly rule: string
  readonly leaf: string

  constructor(rule: string, leaf: string, message: string) {
    super(message)
    this.rule = rule
    this.leaf = leaf
  }
}

const ranges = {
  int16: [-32_768, 32_767],
  int32: [-2_147_483_647, 2_147_483_647],
  int48: [int48.min, int48.max],
} as const

export class ContentPayload {
  readonly kind: string
  readonly at: number
  readonly leaves: Leaf[]
  // made when first needed: a daily feed has a payload every few kilobytes
  #read: Set<string> | undefined
  #readAll: Set<string> | undefined
  #taken: Set<string> | undefined
  #children: Map<string, ContentPayload[]> | undefined

  constructor(kind: string, at: number, leaves: Leaf[] = []) {
    this.kind = kind
    this.at = at
    this.leaves = leaves
  }

  /** The text of a leaf (the first of that name), null where it was not sent. */
  text(name: string): string | null {
    this.#read ??= new Set()
    this.#read.add(name)
    return this.leaves.find((leaf) => leaf.name === name)?.text ?? null
  }

  /** The texts of all leaves of that name, in document order. */
  texts(name: string): string[] {
    this.#readAll ??= new Set()
    this.#readAll.add(name)
    return this.leaves.filter((leaf) => leaf.name === name).map((leaf) => leaf.text)
  }

  /** xs:boolean; null where it was not sent. Throws LeafError where it is none. */
  flag(name: string): boolean | null {
    const text = this.text(name)
    if (text === null) return null
    if (text === 'true' || text === '1') return true
    if (text === 'false' || text === '0') return false
    throw new LeafError('VALUE_MALFORMED', name, `${name} is not true or false`)
  }

  /** The integer of a leaf, null where it was not sent. Throws LeafError where it is no integer of that range. */
  integer(name: string, range: keyof typeof ranges = 'int32'): number | null {
    const text = this.text(name)
    if (text === null) return null
    const value = integerOf(text)
    if (Number.isNaN(value)) throw new LeafError('VALUE_MALFORMED', name, `${name} is not an integer`)
    const [low, high] = ranges[range]
    if (value < low || value > high) throw new LeafError('VALUE_RANGE', name, `${name} is out of range`)
    return value
  }

  /** The children of that name, each a payload of its own. What nobody asks of them stands in this payload's `other`. */
  children(name: string): ContentPayload[] {
    const children = this.#split(name)
    this.#children ??= new Map()
    this.#children.set(name, children)
    return children
  }

  /** The children of that name, which answer for themselves: nothing of them stands in this payload's `other`. */
  take(name: string): ContentPayload[] {
    this.#taken ??= new Set()
    this.#taken.add(name)
    return this.#split(name)
  }

  #split(name: string): ContentPayload[] {
    const groups = new Map<number, Leaf[]>()
    for (const leaf of this.leaves)
      if (leaf.name.startsWith(`${name}/`)) {
        const own = { ...leaf, name: leaf.name.slice(name.length + 1), group: leaf.inner, inner: -1 }
        const group = groups.get(leaf.group)
        if (group === undefined) groups.set(leaf.group, [own])
        else group.push(own)
      }
    return [...groups.values()].map((leaves) => new ContentPayload(name, this.at, leaves))
  }

  /** Every leaf nobody has asked for: a JSON object of path to text, null where there is none. */
  other(): string | null {
    const rest = this.#unread()
    return rest.length === 0 ? null : JSON.stringify(Object.fromEntries(rest))
  }

  #unread(): [string, string][] {
    const seen = new Map<string, number>()
    const rest: [string, string][] = []
    for (const { name, text } of this.leaves) {
      const n = (seen.get(name) ?? 0) + 1
      seen.set(name, n)
      const child = name.slice(0, Math.max(0, name.indexOf('/')))
      if (this.#children?.has(child) || this.#taken?.has(child) || this.#readAll?.has(name)) continue
      if (n > 1) rest.push([`${name}[${n}]`, text])
      else if (!this.#read?.has(name)) rest.push([name, text])
    }
    for (const [name, children] of this.#children ?? [])
      for (const [index, child] of children.entries())
        for (const [below, text] of child.#unread()) rest.push([`${name}[${index + 1}]/${below}`, text])
    return rest
  }
}
