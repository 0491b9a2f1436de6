/** Seeded numbers without state: the same arguments give the same number, in any order, on any machine. */

/** Mixes integers into 32 unsigned bits (the finaliser of MurmurHash3 over each word). */
export function hash(seed: number, a = 0, b = 0, c = 0): number {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b)
  h = step(h, a)
  h = step(h, b)
  h = step(h, c)
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

function step(h: number, word: number): number {
  let k = Math.imul(word | 0, 0xcc9e2d51)
  k = (k << 15) | (k >>> 17)
  const mixed = h ^ Math.imul(k, 0x1b873593)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

/** A version 4 UUID of the seed, as PG&E's random entry ids look. */
export function seededUuid(seed: number, a: number, b = 0): string {
  const words = [0, 1, 2, 3].map((word) => hash(seed, a, b, word).toString(16).padStart(8, '0'))
  const hex = words.join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
}
