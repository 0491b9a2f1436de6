/**
 * The series of a feed, numbered. A daily Bulk feed has hundreds of thousands: their hrefs lie in one byte arena behind an open
 * hash table, a fifth of what strings in a Map would take.
 */
import { numbers } from './number-column.ts'
import { type Identity, type SeriesIdentity, seriesIdentity } from './series-key.ts'

export class SeriesTable {
  readonly #identity: Identity
  #slots = new Int32Array(256).fill(-1)
  #arena = Buffer.alloc(1 << 14)
  #arenaLength = 0
  readonly #ends = numbers()

  constructor(identity: Identity) {
    this.#identity = identity
  }

  get size(): number {
    return this.#ends.length
  }

  /** The number of a series, new or known: the identity decides, not the href. */
  intern(series: SeriesIdentity): number {
    if (2 * this.size >= this.#slots.length) this.#rehash()
    let slot = this.#slotOf(series)
    const mask = this.#slots.length - 1
    for (;;) {
      const index = this.#slots[slot] as number
      if (index < 0) break
      if (this.#href(index) === series.href) return index
      const other = this.identity(index)
      if (other.usagePointId === series.usagePointId && other.meterReadingId === series.meterReadingId) return index
      slot = (slot + 1) & mask
    }
    const index = this.size
    this.#slots[slot] = index
    this.#keep(series.href)
    return index
  }

  identity(index: number): SeriesIdentity {
    return seriesIdentity(this.#href(index), this.#identity) as SeriesIdentity
  }

  #href(index: number): string {
    const from = index === 0 ? 0 : this.#ends.at(index - 1)
    return this.#arena.toString('utf8', from, this.#ends.at(index))
  }

  #keep(href: string): void {
    const length = Buffer.byteLength(href)
    if (this.#arenaLength + length > this.#arena.length) {
      const larger = Buffer.alloc(2 * (this.#arena.length + length))
      this.#arena.copy(larger, 0, 0, this.#arenaLength)
      this.#arena = larger
    }
    this.#arena.write(href, this.#arenaLength)
    this.#arenaLength += length
    this.#ends.push(this.#arenaLength)
  }

  #slotOf({ usagePointId, meterReadingId }: SeriesIdentity): number {
    let hash = 0x811c9dc5
    for (let at = 0; at < usagePointId.length; at++) hash = Math.imul(hash ^ usagePointId.charCodeAt(at), 0x01000193)
    hash = Math.imul(hash ^ 0, 0x01000193)
    for (let at = 0; at < meterReadingId.length; at++)
      hash = Math.imul(hash ^ meterReadingId.charCodeAt(at), 0x01000193)
    hash ^= hash >>> 15
    return hash & (this.#slots.length - 1)
  }

  #rehash(): void {
    this.#slots = new Int32Array(4 * this.#slots.length).fill(-1)
    const mask = this.#slots.length - 1
    for (let index = 0; index < this.size; index++) {
      let slot = this.#slotOf(this.identity(index))
      while ((this.#slots[slot] as number) >= 0) slot = (slot + 1) & mask
      this.#slots[slot] = index
    }
  }
}
