/** Which version of an interval is in force, and why it and no other. */

/** A version as the winner order sees it; a list of them is in that order, the winner last. */
export interface OrderedVersion {
  readonly publishedAt: string | null
  readonly commitId: number
  readonly loadId: string
  readonly byteOffset: number
  readonly superseded: boolean
  /** Equal texts, equal contents. */
  readonly content: string
}

export interface Standing {
  /** `current`: in force. `replaced`: another came after it. `repeated`: says what was in force already. `withdrawal`: takes the interval back. */
  readonly state: 'current' | 'replaced' | 'repeated' | 'withdrawal'
  readonly why: string
}

/** What decides between two versions of which `later` wins. */
function decision(later: OrderedVersion, earlier: OrderedVersion): string {
  if (later.publishedAt !== earlier.publishedAt)
    return earlier.publishedAt === null
      ? `it says when it was published (${later.publishedAt}), the other does not`
      : `published later: ${later.publishedAt}, the other ${earlier.publishedAt}`
  const published = later.publishedAt === null ? 'neither says when it was published' : 'published at the same moment'
  if (later.commitId !== earlier.commitId)
    return `${published}; committed later: ${later.commitId}, the other ${earlier.commitId}`
  if (later.loadId !== earlier.loadId)
    return `${published}, committed together; load ${later.loadId} counts after ${earlier.loadId}`
  return `the same feed says both; byte ${later.byteOffset} stands behind ${earlier.byteOffset}`
}

/** The standing of each version of one interval. In force is the first of the last run of equal contents, unless that withdraws. */
export function standingsOf(versions: readonly OrderedVersion[]): readonly Standing[] {
  return versions.map((version, at) => {
    const before = versions[at - 1]
    const next = versions.slice(at + 1).find(({ content }) => content !== version.content)
    const beaten =
      next && `by ${next.superseded ? 'a longer reading of ' : ''}load ${next.loadId}: ${decision(next, version)}`
    if (before?.content === version.content)
      return { state: 'repeated', why: beaten ?? `says what load ${before.loadId} said before it` }
    if (version.superseded) {
      const why = `a newer reading of load ${version.loadId} covers it`
      return { state: 'withdrawal', why: beaten === undefined ? why : `${why}; replaced ${beaten}` }
    }
    if (beaten !== undefined) return { state: 'replaced', why: beaten }
    return { state: 'current', why: before ? decision(version, before) : 'the only version' }
  })
}
