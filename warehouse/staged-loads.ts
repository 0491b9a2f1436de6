/** Complete stages of loads, by their record `staging/<load_id>/stage.json`. */
import { type StagedLoadRecord, stagedLoadSchema } from '../schemas/stage.ts'
import { folders, formatPath } from './paths.ts'
import type { Storage } from './storage.ts'

/** The record of a complete stage; undefined where there is none. */
export async function readStagedLoad(lake: Storage, loadId: string): Promise<StagedLoadRecord | undefined> {
  const content = await lake.get(formatPath({ kind: 'stage', id: loadId }))
  return content && stagedLoadSchema.parse(JSON.parse(content.toString()))
}

/** Removes a stage (of a load or a notification) from both roots, its record first. */
export async function removeStage(lake: Storage, pii: Storage, id: string): Promise<void> {
  await lake.remove(formatPath({ kind: 'stage', id }))
  await lake.remove(`${folders.staging}/${id}`)
  await pii.remove(`${folders.staging}/${id}`)
}

/** Removes files of a load that its record does not name: of attempts that were killed, or came second. */
export async function removeOtherAttempts(lake: Storage, pii: Storage, loadId: string): Promise<void> {
  const record = await readStagedLoad(lake, loadId)
  if (!record) return
  const own = Object.values(record.files).map((file) => file.path)
  const named = new Set([formatPath({ kind: 'stage', id: loadId }), ...own])
  for (const storage of [lake, pii])
    for (const path of await storage.list(`${folders.staging}/${loadId}`))
      if (!named.has(path)) await storage.remove(path)
}
