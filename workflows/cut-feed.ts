/**
 * Feeds that end inside an element although nothing said that bytes were missing: something on the way may have cut them, and the custodian
 * still has the package (five days, utility.md). So they are fetched anew by themselves, a few times.
 */

/** Before the first further fetch, and before the second. */
const pausesMs = [5_000, 600_000]

export interface CutFeeds {
  /** How long to wait before the package is fetched anew; undefined: no more, its bytes were the same twice or it was tried enough. */
  pauseAfter(sha256: string | undefined): number | undefined
}

export function countCutFeeds(): CutFeeds {
  const seen: (string | undefined)[] = []
  return {
    pauseAfter(sha256) {
      const isSameAgain = sha256 !== undefined && seen.includes(sha256)
      seen.push(sha256)
      return isSameAgain ? undefined : pausesMs[seen.length - 1]
    },
  }
}
