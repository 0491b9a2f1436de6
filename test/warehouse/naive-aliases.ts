/** What settling aliases must give, the slow and obvious way: every pair of ids judged anew on all readings after every commit. */

/** A reading of an hour under an id. */
export interface AliasEvent {
  readonly id: string
  readonly hour: number
  readonly value: number
  /** Seconds; null: not sent. */
  readonly published: number | null
  readonly commit: number
}

interface Evidence {
  readonly shared: { a: number; b: number }[]
  differ: boolean
}

type Verdict = 'one' | 'two' | 'ambiguous'

const togetherS = 12 * 3600
const time = ({ published }: AliasEvent): number => published ?? 0

/** In force: of the last run of equal values in order of publication, the first. */
function inForce(events: readonly AliasEvent[]): Map<string, AliasEvent> {
  const found = new Map<string, AliasEvent>()
  const inOrder = events.toSorted((x, y) => (x.published ?? -1) - (y.published ?? -1) || x.commit - y.commit)
  for (const event of inOrder) {
    const key = `${event.id} ${event.hour}`
    if (found.get(key)?.value !== event.value) found.set(key, event)
  }
  return found
}

function verdictOf({ shared, differ }: Evidence): Verdict {
  if (shared.length === 0) return 'one'
  if (differ) return 'two'
  const [a, b] = [shared.map((each) => each.a), shared.map((each) => each.b)]
  return Math.max(...a) < Math.min(...b) || Math.max(...b) < Math.min(...a) ? 'one' : 'ambiguous'
}

export interface Settled {
  /** `id id` in order → verdict. */
  readonly verdicts: ReadonlyMap<string, Verdict>
  /** Readings that count: hour, id, value. */
  readonly counted: readonly (readonly [hour: number, id: string, value: number])[]
}

/** All commits one after the other. `order`: ids by their series keys. */
export function settleNaively(commits: readonly (readonly AliasEvent[])[], order: readonly string[]): Settled {
  const evidence = new Map<string, Evidence>()
  const events: AliasEvent[] = []
  for (const commit of commits) {
    events.push(...commit)
    const held = [...inForce(events).values()]
    const seen = order.filter((id) => held.some((event) => event.id === id))
    for (const [at, one] of seen.entries())
      for (const other of seen.slice(at + 1)) {
        const known = evidence.get(`${one} ${other}`) ?? { shared: [], differ: false }
        evidence.set(`${one} ${other}`, known)
        if (verdictOf(known) === 'two') continue
        for (const a of held.filter(({ id }) => id === one)) {
          const b = held.find(({ id, hour }) => id === other && hour === a.hour)
          if (!b) continue
          known.shared.push({ a: time(a), b: time(b) })
          if (a.value !== b.value && Math.abs(time(a) - time(b)) < togetherS) known.differ = true
        }
      }
  }
  const verdicts = new Map([...evidence].map(([pair, known]) => [pair, verdictOf(known)]))
  return { verdicts, counted: countOnce([...inForce(events).values()], verdicts, order) }
}

function countOnce(
  held: readonly AliasEvent[],
  verdicts: ReadonlyMap<string, Verdict>,
  order: readonly string[],
): Settled['counted'] {
  const isOne = (x: string, y: string) =>
    x === y || verdicts.get(`${x} ${y}`) === 'one' || verdicts.get(`${y} ${x}`) === 'one'
  const membersOf = (id: string) => order.filter((other) => isOne(id, other))
  const seriesOf = (id: string) => {
    const members = membersOf(id)
    return members.every((member) => membersOf(member).join() === members.join()) ? members.join() : id
  }
  const counted = new Map<string, AliasEvent>()
  const rank = (event: AliasEvent) => [event.published ?? -1, event.commit, order.indexOf(event.id)] as const
  for (const event of held) {
    const key = `${seriesOf(event.id)} ${event.hour}`
    const other = counted.get(key)
    if (!other || isAfter(rank(event), rank(other))) counted.set(key, event)
  }
  return [...counted.values()].map(({ hour, id, value }) => [hour, id, value] as const)
}

function isAfter(one: readonly number[], other: readonly number[]): boolean {
  for (const [at, value] of one.entries()) if (value !== other[at]) return value > (other[at] ?? 0)
  return false
}
