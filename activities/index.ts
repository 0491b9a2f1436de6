/** The activities of one worker, with what they need closed over. */
import type { Deps } from './deps.ts'
import { downloadResource } from './download-resource.ts'
import { ensureClientToken } from './ensure-client-token.ts'
import { fetchAuthorization } from './fetch-authorization.ts'
import { loadFeed } from './load-feed.ts'
import { publishLake } from './publish-lake.ts'
import { readNotification } from './read-notification.ts'
import { recordNotification } from './record-notification.ts'
import { refreshClientToken } from './refresh-client-token.ts'

export function createActivities(deps: Deps) {
  return {
    readNotification: readNotification(deps),
    recordNotification: recordNotification(deps),
    ensureClientToken: ensureClientToken(deps),
    refreshClientToken: refreshClientToken(deps),
    downloadResource: downloadResource(deps),
    fetchAuthorization: fetchAuthorization(deps),
    loadFeed: loadFeed(deps),
    publishLake: publishLake(deps),
  }
}

export type Activities = ReturnType<typeof createActivities>
