/** Prepared packages: what a correlationID stands for, for five days. */
import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import type { StreamedBody } from './answer.ts'

const life_ms = 5 * 86_400_000

export type FeedKind = 'usage' | 'customer' | 'program'

interface PreparedEntry {
  readonly feed: FeedKind
  readonly until_ms: number
  readonly body: () => Promise<StreamedBody>
}

export interface PreparedStore {
  /** Keeps a body under a new correlationID. */
  add(feed: FeedKind, body: () => Promise<StreamedBody>): string
  /** Undefined where it is unknown, expired, or of the other feed. */
  find(correlationId: string, feed: FeedKind): (() => Promise<StreamedBody>) | undefined
  expire(correlationId: string): void
}

export function createPreparedStore(now: () => number): PreparedStore {
  const entries = new Map<string, PreparedEntry>()
  return {
    add(feed, body) {
      const correlationId = randomUUID()
      entries.set(correlationId, { feed, body, until_ms: now() + life_ms })
      return correlationId
    },
    find(correlationId, feed) {
      const entry = entries.get(correlationId)
      return entry && entry.feed === feed && now() < entry.until_ms ? entry.body : undefined
    },
    expire: (correlationId) => {
      entries.delete(correlationId)
    },
  }
}

/** A body that is rendered anew each time it is asked for; its length is counted once, at flat memory. */
export function renderedBody(render: () => Iterable<Uint8Array>): () => Promise<StreamedBody> {
  let counted: Promise<number> | undefined
  const count = async (): Promise<number> => {
    let length = 0
    for (const chunk of render()) {
      length += chunk.length
      await setImmediate()
    }
    return length
  }
  return async () => {
    counted ??= count()
    return { length: await counted, chunks: render }
  }
}

/** A file as it is. */
export function fileBody(path: string): () => Promise<StreamedBody> {
  return async () => ({ length: (await stat(path)).size, chunks: () => createReadStream(path) })
}
