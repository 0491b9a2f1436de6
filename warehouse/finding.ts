/** What a check of the published lake found wrong: where, what, and what to do about it. */
export interface Finding {
  readonly check: 'manifest' | 'file' | 'archive' | 'ledger' | 'current' | 'views' | 'key'
  /** Relative to its root; files of personal data begin with `pii/`. */
  readonly file: string
  readonly problem: string
  readonly next: string
}

const rebuilt = 'rebuild it: `meterlake replay --from-raw --publish`; or restore it from a backup'
const kept = 'restore it from a backup: it is the only copy'

/** The step after a finding, by what it is about. */
export const nextSteps = {
  derived: rebuilt,
  only: kept,
  archived: 'restore it from a backup, or ask the utility for its days again: nothing else holds these bytes',
  views: 'remove it: the next load or query makes it anew',
  key: 'put back state/customer.key of the pii root from a backup',
  report: 'report it as a defect; then rebuild: `meterlake replay --from-raw --publish`',
} as const
