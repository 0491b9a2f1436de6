/** What is to be done about a notification: pure, from its bytes and the profile. */
import { isMeterlakeError } from '../schemas/errors.ts'
import type { NotificationPlan, NotifiedResource } from '../schemas/ingest.ts'
import type { Profile } from '../schemas/profile.ts'
import { correlationIdOf, readBatchList } from './batch-list.ts'
import { allowedUrls, normalAuthority } from './resource-endpoints.ts'
import type { AllowedUrl } from './resource-endpoints.ts'

export { notificationIdOf } from './batch-list.ts'

/**
 * Plans a notification. A URL in it is data, not an order: what is outside the allow-list is counted as refused and never
 * fetched; sentinels (test notifications) are recorded and not fetched; a URL that stands twice is fetched once. Messages
 * hold no URL. `malformed` instead of an error where the body is no BatchList.
 */
export function planNotification(bytes: Uint8Array, profile: Profile): NotificationPlan {
  let urls: readonly string[]
  try {
    urls = readBatchList(bytes)
  } catch (error) {
    if (!isMeterlakeError(error)) throw error
    return { status: 'malformed', resources: [], refused: 0, message: error.message }
  }
  if (urls.length === 0) return { status: 'empty', resources: [], refused: 0, message: 'the list is empty' }
  const allowed = allowedUrls(profile)
  const resources = new Map<string, NotifiedResource>()
  const reasons = new Map<string, number>()
  let sentinels = 0
  for (const url of urls) {
    const verdict = judgeUrl(url, allowed)
    if (typeof verdict !== 'string') {
      if (isSentinel(verdict.correlationId, profile)) sentinels += 1
      else resources.set(url, verdict)
    } else if (isSentinel(correlationIdOf(url), profile)) sentinels += 1
    else reasons.set(verdict, (reasons.get(verdict) ?? 0) + 1)
  }
  const refused = [...reasons.values()].reduce((sum, count) => sum + count, 0)
  const parts = [...reasons].map(([reason, count]) => `${count} of ${urls.length} refused: ${reason}`)
  if (sentinels > 0) parts.push(`${sentinels} of ${urls.length} test sentinels`)
  const status = resources.size > 0 ? 'ingest' : refused > 0 ? 'refused' : 'sentinel'
  return { status, resources: [...resources.values()], refused, message: parts.length === 0 ? null : parts.join('; ') }
}

/** `000000000` and its kin `000000000-b`. */
function isSentinel(correlationId: string | null, { sentinelCorrelationIds }: Profile): boolean {
  return sentinelCorrelationIds.some((id) => correlationId === id || correlationId?.startsWith(`${id}-`) === true)
}

/**
 * The resource a URL names if the allow-list holds it, else why not. The text is judged as it will be sent, not as a URL
 * parser would repair it.
 */
export function judgeUrl(url: string, allowed: readonly AllowedUrl[]): NotifiedResource | string {
  if (!/^[\x21-\x7e]{1,4096}$/.test(url) || /[\\#]/.test(url)) return 'characters that no URL has'
  const [, scheme, authority = '', path = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?]*)(\/[^?]*)?(?:\?.*)?$/i.exec(url) ?? []
  if (scheme === undefined) return 'not an absolute URL'
  if (scheme !== 'https') return 'its scheme is not https'
  if (authority.includes('@')) return 'it has userinfo'
  const here = allowed.filter((rule) => rule.authority === normalAuthority(authority))
  if (here.length === 0) return 'its host or port is not the custodian’s'
  const segments = path.slice(1).split('/')
  if (!segments.every(isPlainSegment)) return 'its path has empty, dotted or encoded separators'
  const rule = here.find((candidate) => matches(segments, candidate.path))
  if (rule === undefined) return 'its path is not one of the profile'
  return { url, correlationId: correlationIdOf(url), feed: rule.feed }
}

function isPlainSegment(segment: string): boolean {
  if (segment === '') return false
  let decoded = segment
  for (let round = 0; round < 3; round += 1) {
    if (decoded === '.' || decoded === '..' || /[/\\]|\p{Cc}/u.test(decoded)) return false
    try {
      decoded = decodeURIComponent(decoded)
    } catch {
      return false
    }
  }
  return !decoded.includes('%') && decoded !== '.' && decoded !== '..' && !/[/\\]|\p{Cc}/u.test(decoded)
}

function matches(segments: readonly string[], pattern: readonly string[]): boolean {
  const open = pattern.at(-1) === '**'
  if (open ? segments.length < pattern.length : segments.length !== pattern.length) return false
  return pattern.every((part, at) => part === '*' || part === '**' || part === segments[at])
}
