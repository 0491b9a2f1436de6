/** When a token is renewed, as arithmetic: its life comes from the custodian's answer (documents say 3600 s and 5 min). */

/**
 * The moment (ms) from which a token got at `nowMs` is no longer handed out: a tenth of its life, and at least 30 s, before its end, so that
 * a request started with it arrives with it; at most half its life, so that a very short one is used at all.
 */
export function renewAt(expiresAtMs: number, nowMs: number): number {
  const lifeMs = Math.max(0, expiresAtMs - nowMs)
  return expiresAtMs - Math.min(Math.max(lifeMs / 10, 30_000), lifeMs / 2)
}

/** From when on (ms) nobody is given it any more, though it has not been renewed: half-way from there to its end. */
export const lastUseAt = (renewAtMs: number, expiresAtMs: number): number => (renewAtMs + expiresAtMs) / 2

export const isFresh = (renewAtMs: number, nowMs: number): boolean => nowMs < renewAtMs
