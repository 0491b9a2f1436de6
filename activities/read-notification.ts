/** From a spooled notification to the work it asks for, a page at a time. */
import { createHash } from 'node:crypto'
import { planNotification } from '../custodian/notification.ts'
import { readSpooled } from '../custodian/spool.ts'
import type { NotificationPage, NotifiedResource, ReceivedNotification } from '../schemas/ingest.ts'
import type { Deps } from './deps.ts'

/** A list of 1 MiB holds some 8,000 URLs: pages keep the history of a run small. */
const resourcesPerPage = 200

const msPerDay = 86_400_000

/** The resources from `offset` on, each URL once. */
export const readNotification =
  (deps: Deps) =>
  async ({ received, offset }: { received: ReceivedNotification; offset: number }): Promise<NotificationPage> => {
    const plan = planNotification(await readSpooled(received.spoolPath), deps.profile)
    const resources = eachOnce(plan.resources)
    const deadlineMs = Date.parse(received.receivedAt) + deps.profile.limits.fetchWithinDays * msPerDay
    return {
      ...plan,
      resources: resources.slice(offset, offset + resourcesPerPage).map((resource) => ({
        ...resource,
        urlSha256: createHash('sha256').update(resource.url).digest('hex'),
      })),
      offset,
      total: resources.length,
      deadlineAt: new Date(deadlineMs).toISOString(),
    }
  }

const eachOnce = (resources: readonly NotifiedResource[]): readonly NotifiedResource[] => [
  ...new Map(resources.map((resource) => [resource.url, resource])).values(),
]
