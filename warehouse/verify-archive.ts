/** Archived bytes against their name, which is their SHA-256. */
import { createHash } from 'node:crypto'
import { isMeterlakeError } from '../schemas/errors.ts'
import { type Finding, nextSteps } from './finding.ts'
import { type NamedFile, shownPath } from './named-files.ts'
import { formatPath } from './paths.ts'
import { archivedBytes, type RawIndex, rawIndexSchema } from './raw-index.ts'
import { receivedChunks } from './raw-reader.ts'
import type { Storage } from './storage.ts'

/** What is wrong with an archived file and its sidecar; undefined: nothing. Every frame is unpacked. */
export async function verifyArchived(storage: Storage, file: NamedFile): Promise<Finding | undefined> {
  const { path, bytes, sha256 } = file.ref
  const found = (problem: string, shown = shownPath(file)): Finding => ({
    check: 'archive',
    file: shown,
    problem,
    next: nextSteps.archived,
  })
  const size = await storage.size(path)
  if (size === undefined) return found('it is not there')
  const index = await readSidecar(storage, sha256)
  const sidecar = shownPath({ ...file, ref: { ...file.ref, path: formatPath({ kind: 'raw_index', sha256 }) } })
  if (index === undefined) return found('its frame index is not there', sidecar)
  if (index === 'unreadable' || index.sha256 !== sha256) return found('its frame index cannot be read', sidecar)
  if (size !== bytes) return found(`it has ${size} bytes, the manifest says ${bytes}`)
  if (archivedBytes(index) !== bytes) return found('its frame index is not that of the file', sidecar)
  const hash = createHash('sha256')
  let received = 0
  try {
    for (const chunk of receivedChunks(storage.locate(path), index, true)) {
      hash.update(chunk)
      received += chunk.length
    }
  } catch (error) {
    if (isMeterlakeError(error)) return found(`its frames cannot be unpacked: ${error.message.slice(0, 300)}`)
    throw error
  }
  if (received !== index.bytes) return found(`it unpacks to ${received} bytes, its index says ${index.bytes}`)
  if (hash.digest('hex') !== (index.erased?.sha256 ?? sha256))
    return found('it unpacks to other bytes than it is named by')
  return undefined
}

async function readSidecar(storage: Storage, sha256: string): Promise<RawIndex | 'unreadable' | undefined> {
  const content = await storage.get(formatPath({ kind: 'raw_index', sha256 }))
  if (!content) return undefined
  try {
    return rawIndexSchema.parse(JSON.parse(content.toString()))
  } catch {
    return 'unreadable'
  }
}
