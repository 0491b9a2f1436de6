/** An entry of a feed, by its bytes: what the reader tells of it to whoever erases entries. Offsets count decoded bytes. */
export interface EntrySpan {
  readonly from: number
  /** Exclusive. */
  readonly to: number
  /** As sent; null: not sent. */
  readonly published: string | null
  /** What its links refer to, and the usage points it names. */
  readonly hrefs: readonly string[]
  /** Its IntervalReadings; `startS`: Unix time [s], NaN where it has none. */
  readonly readings: readonly { readonly from: number; readonly to: number; readonly startS: number }[]
  /** End of the billing period of a bill, Unix time [s]; NaN: it is none, or says none. */
  readonly billedToS: number
  /** False: the feed breaks off or ceases to be well-formed in it; it reaches to the end. */
  readonly isWhole: boolean
}

/** Tells the entries of a feed, in order. */
export type ScanEntries = (chunks: Iterable<Uint8Array>, onSpan: (span: EntrySpan) => void) => void
