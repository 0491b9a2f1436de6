/** A Data Custodian as data: what differs from one utility to the next. */
import { z } from 'zod'

export const profileSchema = z.object({
  name: z.string(),
  /** IANA zone of local days. */
  timeZone: z.string(),
  /** `id`: the UsagePoint id alone (PG&E: it outlives its subscription); `path`: the whole path. */
  usagePointIdentity: z.enum(['id', 'path']),
  endpoints: z.object({
    token: z.url(),
    testToken: z.url().optional(),
    /** Base of ESPI resources, without trailing slash; the allow-list of notifications is its scheme, host, port and path. */
    resource: z.url(),
    /** Paths under `resource`, `{bulkId}` filled in. */
    bulk: z.string().default('Batch/Bulk/{bulkId}'),
    bulkCustomer: z.string().default('Batch/BulkRetailCustomerInfo/{bulkId}'),
    bulkProgram: z.string().default('Batch/BulkRetailDRPrgInfo/{bulkId}'),
    serviceStatus: z.string().default('ReadServiceStatus'),
  }),
  /** Where grant_type goes: both forms are in use with PG&E. */
  tokenGrant: z.enum(['body', 'query']).default('body'),
  /** Where a refresh token goes, if the custodian gives any; `none`: they are not used. */
  refreshGrant: z.enum(['body', 'query', 'none']).default('body'),
  limits: z.object({
    /** Over all clients of the vendor. */
    perSecond: z.number().positive(),
    /** How long a request may be on its way: the next is counted from its answer, or from so long after it was sent. 0: not looked at. */
    marginMs: z.number().min(0).default(200),
    perHourPerClient: z.int().positive(),
    /** Length of the window that `perHourPerClient` counts in; shorter only where a simulator's is. */
    hourMs: z.int().positive().default(3_600_000),
    perDayPerClient: z.int().positive(),
    dayStartsAtLocal: z.string().regex(/^\d\d:\d\d$/),
    fetchWithinDays: z.number().positive(),
  }),
  /** Feeds that are expected every day. */
  dailyFeeds: z.array(z.enum(['usage', 'customer'])).default(['usage', 'customer']),
  /** correlationIDs of test notifications: recorded, never fetched. */
  sentinelCorrelationIds: z.array(z.string()),
  /** Statuses that mean "the token is not accepted": PG&E says 403. */
  tokenExpiredStatuses: z.array(z.int()),
})

export type Profile = z.infer<typeof profileSchema>
