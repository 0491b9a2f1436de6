/**
 * Where the client access token rests between requests and processes: never in workflow history, logs or errors.
 *
 * The file store keeps it in plain text, mode 0600, in the state folder (0700). A key beside it would protect nothing that
 * the file's mode does not; a token lives for an hour at most, and the client secret is needed to get the next.
 */
import { createHash, randomUUID } from 'node:crypto'
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { MeterlakeError } from '../schemas/errors.ts'

const storedTokenSchema = z.object({
  token: z.string().min(1),
  issuedAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  /** The newest one, where the custodian gives any. */
  refreshToken: z.string().min(1).optional(),
})

export type StoredToken = Readonly<z.infer<typeof storedTokenSchema>>

export interface TokenStore {
  /** Undefined where there is none, or none that can be read: it is then fetched anew. */
  get(alias: string): Promise<StoredToken | undefined>
  put(alias: string, token: StoredToken): Promise<void>
}

/** First 12 hex digits of the SHA-256: tells two tokens apart and gives neither away. */
export const tokenFingerprint = (token: string): string => createHash('sha256').update(token).digest('hex').slice(0, 12)

export function memoryTokenStore(): TokenStore {
  const tokens = new Map<string, StoredToken>()
  return {
    get: (alias) => Promise.resolve(tokens.get(alias)),
    put: (alias, token) => {
      tokens.set(alias, token)
      return Promise.resolve()
    },
  }
}

/** One file an alias in `directory`, written aside and renamed. Throws CONFIG_INVALID (alias), LAKE_NOT_WRITABLE, LAKE_DISK_FULL. */
export function fileTokenStore(directory: string): TokenStore {
  const pathOf = (alias: string): string => {
    if (!/^[\w][\w.-]{0,63}$/.test(alias)) {
      throw new MeterlakeError('CONFIG_INVALID', `client alias ${JSON.stringify(alias)} is not a plain name`, { alias })
    }
    return join(directory, `token-${alias}.json`)
  }
  return {
    async get(alias) {
      const text = await readFile(pathOf(alias), 'utf8').catch(() => undefined)
      if (text === undefined) return undefined
      try {
        return storedTokenSchema.parse(JSON.parse(text))
      } catch {
        return undefined
      }
    },
    async put(alias, token) {
      const path = pathOf(alias)
      const aside = `${path}.${randomUUID()}.part`
      try {
        await mkdir(directory, { recursive: true, mode: 0o700 })
        await using file = await open(aside, 'wx', 0o600)
        await file.writeFile(JSON.stringify(token))
        await file.sync()
        await chmod(aside, 0o600)
        await rename(aside, path)
      } catch (error) {
        await rm(aside, { force: true }).catch(() => undefined)
        const reason = (error as NodeJS.ErrnoException).code ?? 'unknown'
        const code = reason === 'ENOSPC' ? 'LAKE_DISK_FULL' : 'LAKE_NOT_WRITABLE'
        throw new MeterlakeError(code, `token store ${directory} cannot be written (${reason})`, { directory, reason })
      }
    },
  }
}
