/** What a feed holds that the reader does not know: counted by name, with the place it came first. */
import type { FeedSink } from '../schemas/feed-rows.ts'

type Kind = 'element' | 'attribute' | 'code'

const maxNames = 10_000

export class Drift {
  readonly #found = new Map<string, { kind: Kind; name: string; n: number; first_byte: number }>()

  count(kind: Kind, name: string, at: number): void {
    const key = `${kind} ${name}`
    const known = this.#found.get(key)
    if (known !== undefined) {
      known.n += 1
      known.first_byte = Math.min(known.first_byte, at)
    } else if (this.#found.size < maxNames) this.#found.set(key, { kind, name, n: 1, first_byte: at })
    else this.count(kind, '(more names than are told apart)', at)
  }

  /** A code that its list does not hold. */
  code(list: string, codes: Readonly<Record<number, unknown>>, code: number | null, at: number): void {
    if (code !== null && !(code in codes)) this.count('code', `${list} ${code}`, at)
  }

  emit(sink: FeedSink): void {
    for (const { kind, name, n, first_byte } of this.#found.values())
      sink.row({ table: 'drift', kind, name, n, first_byte })
  }
}
