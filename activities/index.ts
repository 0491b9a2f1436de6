/** The activities of one worker, with what they need closed over. */
import { announceNotification } from './announce-notification.ts'
import type { Deps } from './deps.ts'
import { downloadResource } from './download-resource.ts'
import { ensureClientToken } from './ensure-client-token.ts'
import { fetchAuthorization } from './fetch-authorization.ts'
import { loadFeed } from './load-feed.ts'
import { planReconcile } from './plan-reconcile.ts'
import { publishLake } from './publish-lake.ts'
import { readNotification } from './read-notification.ts'
import { recordNotification } from './record-notification.ts'
import { recordRequest } from './record-request.ts'
import { refreshClientToken } from './refresh-client-token.ts'
import { registerRequest } from './register-request.ts'
import { requestPackage } from './request-package.ts'
import { settledWindows } from './settled-windows.ts'

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
    announceNotification: announceNotification(deps),
    registerRequest: registerRequest(deps),
    requestPackage: requestPackage(deps),
    recordRequest: recordRequest(deps),
    settledWindows: settledWindows(deps),
    planReconcile: planReconcile(deps),
  }
}

export type Activities = ReturnType<typeof createActivities>
