/** What may happen to a notification between the custodian and the webhook, as data. */
import { z } from 'zod'

export const notificationEffectSchema = z.discriminatedUnion('kind', [
  /** It is never sent. */
  z.strictObject({ kind: z.literal('lost') }),
  /** It is sent so many times. */
  z.strictObject({ kind: z.literal('duplicated'), times: z.int().min(2) }),
  /** It goes out after the one that follows it. */
  z.strictObject({ kind: z.literal('reordered') }),
  /** One for each of its URLs, the last URL first. */
  z.strictObject({ kind: z.literal('split') }),
  /** It is sent so many seconds late, by the custodian's clock. */
  z.strictObject({ kind: z.literal('late'), delay_s: z.int().min(1) }),
  /** The URL of a test notification stands before its own. */
  z.strictObject({ kind: z.literal('sentinel') }),
  /** An empty list goes out before it. */
  z.strictObject({ kind: z.literal('empty') }),
  /** URLs that are not the custodian's stand around its own. */
  z.strictObject({ kind: z.literal('foreign') }),
])
export type NotificationEffect = z.infer<typeof notificationEffectSchema>

/** Test notifications of the utility's portal name this correlationID: nothing is there to fetch. */
export const sentinelCorrelationId = '000000000'

/** The lists that go out at once instead of `urls`, in order. Lost, held and late ones: none. */
export function listsToSend(
  urls: readonly string[],
  effect: NotificationEffect | undefined,
): readonly (readonly string[])[] {
  switch (effect?.kind) {
    case 'lost':
    case 'reordered':
    case 'late':
      return []
    case 'duplicated':
      return Array.from({ length: effect.times }, () => urls)
    case 'split':
      return urls.map((url) => [url]).reverse()
    case 'sentinel':
      return [[...urls.slice(0, 1).map((url) => withCorrelationId(url, sentinelCorrelationId)), ...urls]]
    case 'empty':
      return [[], urls]
    case 'foreign':
      return [urls.flatMap((url) => [...foreignTo(url), url])]
    default:
      return [urls]
  }
}

const withCorrelationId = (url: string, id: string): string => url.replace(/(correlationID=)[^&]*/, `$1${id}`)

/** What an attacker, or a mistake, would name: another host that looks alike, another scheme, userinfo, a path that climbs. */
function foreignTo(url: string): readonly string[] {
  const { protocol, host, pathname, search } = new URL(url)
  return [
    `https://${host}.evil.example${pathname}${search}`,
    `http://${host}${pathname}${search}`,
    `${protocol}//user:password@${host}${pathname}${search}`,
    `${protocol}//${host}${pathname}/../../../../secret${search}`,
    `https://169.254.169.254/latest/meta-data${search}`,
  ]
}
