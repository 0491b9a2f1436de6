/**
 * Bounds of a feed, far above anything real, so that a hostile file costs neither memory nor patience. One real entry holds 95 days of
 * readings; readings are streamed, so an entry may be large without being held.
 */
export const feedBounds = {
  /** Open elements. Real feeds: 8. */
  depth: 64,
  /** Bytes of one token: a text, an attribute value, a comment, a tag. */
  tokenBytes: 1 << 20,
  attributesPerElement: 128,
  entryBytes: 1 << 28,
  linksPerEntry: 1024,
  blocksPerEntry: 1 << 16,
  /** Leaf elements of an entry that is not made of readings: a bill has a few hundred. */
  leavesPerEntry: 1 << 14,
  /** Different element paths, unknown ones included. Real feeds: about 100. */
  elementPaths: 4096,
  /** Different states of namespace bindings. Real feeds: under 10. */
  namespaceScopes: 4096,
  /** Bytes of the offending element kept in a quarantine row. */
  fragmentBytes: 4096,
} as const
