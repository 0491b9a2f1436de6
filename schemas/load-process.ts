/** Messages between the process that supervises a load or a publish and the child process that does it. */
import type { ErrorCode, ErrorDetails } from './errors.ts'
import type { LoadRequest, PublishedLoad, StagedLoad } from './ingest.ts'

export interface LakeRoots {
  /** Absolute path of the lake's root. */
  readonly lake: string
  /** Absolute path of the root of personal data, mode 0700. */
  readonly pii: string
}

/** What the child is asked to do; sent once, as its first message. */
export type LakeJob =
  | {
      readonly kind: 'load'
      readonly roots: LakeRoots
      readonly profile: { readonly name: string; readonly timeZone: string; readonly usagePointIdentity: 'id' | 'path' }
      readonly request: LoadRequest
      /** False: the reader remembers no markup. Default true. */
      readonly markupMemory?: boolean
    }
  | {
      readonly kind: 'publish'
      readonly roots: LakeRoots
      readonly timeZone: string
      /** When the commit becomes known (RFC 3339), for a commit that is made again; absent: now. */
      readonly knownAt?: string
      /** True: the views are left behind. */
      readonly deferViews?: boolean
    }

export type LakeJobResult =
  | { readonly kind: 'load'; readonly staged: StagedLoad }
  | { readonly kind: 'publish'; readonly loads: readonly PublishedLoad[]; readonly commit: number | null }

/** What the child says: progress while it works, then exactly one result or error. */
export type LakeJobMessage =
  | {
      readonly type: 'progress'
      readonly phase: 'read' | 'stage' | 'merge' | 'commit'
      readonly done: number
      readonly total: number
    }
  | { readonly type: 'result'; readonly result: LakeJobResult }
  | { readonly type: 'error'; readonly code: ErrorCode; readonly message: string; readonly details: ErrorDetails }
