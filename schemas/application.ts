/** What the custodian has registered of us, without its secrets; kept in `<lake>/state/application.json`. */
import { z } from 'zod'

export const applicationFactsSchema = z.object({
  /** dataCustodianApplicationStatus: 1 review, 2 production, 3 on hold, 4 revoked; null: not sent. */
  status: z.int().nullable(),
  clientId: z.string().nullable(),
  /** thirdPartyNotifyUri: where notifications go. */
  notifyUri: z.string().nullable(),
  /** dataCustodianBulkRequestURI: ends in the bulk id. */
  bulkRequestUri: z.string().nullable(),
  resourceEndpoint: z.string().nullable(),
  tokenEndpoint: z.string().nullable(),
  /** RFC 3339; null: never, or not sent. */
  clientSecretExpiresAt: z.string().nullable(),
})

export type ApplicationFacts = Readonly<z.infer<typeof applicationFactsSchema>>
