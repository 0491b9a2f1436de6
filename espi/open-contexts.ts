/** The contexts of the open elements, found only as far as they are asked for. */
import type { SaxesTagPlain } from 'saxes'
import { documentPath } from './element-paths.ts'
import { MarkupContext, type MarkupMemory } from './markup-memory.ts'
import type { NamespaceScope } from './namespace-scope.ts'

export class OpenContexts {
  readonly #memory: MarkupMemory
  readonly #scopeAt: readonly NamespaceScope[]
  readonly #pathAt: Int32Array
  /** By depth; undefined past the bounds of the memory. Index 0 is the document. */
  readonly #at: (MarkupContext | undefined)[]
  #known = 1

  /** Scopes and paths are those of the open elements by depth. */
  constructor(memory: MarkupMemory, scopeAt: readonly NamespaceScope[], pathAt: Int32Array) {
    this.#memory = memory
    this.#scopeAt = scopeAt
    this.#pathAt = pathAt
    const tag = { name: '', attributes: {}, isSelfClosing: false }
    this.#at = [new MarkupContext(undefined, documentPath, scopeAt[0] as NamespaceScope, tag)]
  }

  /** Another element is open at this depth from now on, or none. */
  forget(depth: number): void {
    if (depth < this.#known) this.#known = depth
  }

  set(context: MarkupContext): void {
    this.#at[context.depth] = context
    this.#known = Math.max(this.#known, context.depth + 1)
  }

  /** The context at a depth, `tags` being the open elements of saxes. */
  of(depth: number, tags: readonly SaxesTagPlain[]): MarkupContext | undefined {
    for (; this.#known <= depth; this.#known++) {
      const at = this.#known
      const outer = this.#at[at - 1]
      const { name } = tags[at - 1] as SaxesTagPlain
      const scope = this.#scopeAt[at] as NamespaceScope
      this.#at[at] = outer && this.#memory.context(outer, name, scope, this.#pathAt[at] as number)
    }
    return this.#at[depth]
  }
}
