/** A set of bounded size: the newest members. */

export interface NewestMembers<T> {
  has(member: T): boolean
  /** Forgets the oldest member where there are more than the limit. */
  add(member: T): void
}

export function newestMembers<T>(limit: number): NewestMembers<T> {
  const members = new Set<T>()
  return {
    has: (member) => members.has(member),
    add(member) {
      members.add(member)
      if (members.size <= limit) return
      for (const oldest of members) {
        members.delete(oldest)
        return
      }
    },
  }
}
