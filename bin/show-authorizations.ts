/** Authorizations, asked of the utility, printed, kept where they changed, revoked. */
import { createInterface } from 'node:readline/promises'
import type { Authorization } from '../custodian/authorization.ts'
import type { Custodian } from '../custodian/custodian.ts'
import { silentLog } from '../custodian/log.ts'
import type { Config } from '../schemas/config.ts'
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import type { Format } from './command-context.ts'
import { openCommandTurns } from './command-turns.ts'
import { type IngestDeps, openIngestDeps } from './ingest-deps.ts'
import { formatRows, writeAll } from './row-format.ts'

const shown = {
  authorization_id: 'authorizationId',
  status: 'status',
  authorized_start_at: 'authorizedStartAt',
  authorized_end_at: 'authorizedEndAt',
  published_start_at: 'publishedStartAt',
  published_end_at: 'publishedEndAt',
  expires_at: 'expiresAt',
  resource: 'resource',
  scope: 'scope',
} as const satisfies Record<string, keyof Authorization>

const columns = Object.keys(shown).map((name) => ({ name, type: name === 'status' ? 'INTEGER' : 'VARCHAR' }))

/** Asks for all, or one; prints them; what changed is committed to `core.authorization`. Throws NOT_ENTITLED where the utility refuses. */
export async function listAuthorizations(config: Config, id: string | undefined, format: Format): Promise<void> {
  await using turns = await openCommandTurns(config)
  await using ingest = await openIngestDeps(config, silentLog, turns)
  const told = await fetchAndKeep(ingest, id)
  const rows = told.map((one) => Object.values(shown).map((field) => one[field]))
  await writeAll(process.stdout, formatRows(format, columns, [rows]))
}

/** Revokes one, after a question on the terminal unless `yes`. Throws USAGE where nobody can be asked, or the answer is no. */
export async function revokeAuthorization(config: Config, id: string, yes: boolean): Promise<void> {
  if (!yes) await confirm(id)
  await using turns = await openCommandTurns(config)
  await using ingest = await openIngestDeps(config, silentLog, turns)
  await entitled(ingest.custodian, async () => ingest.custodian.revokeAuthorization(plainId(id)))
  console.error(`authorization ${id} is revoked`)
  // What it is now, as the utility tells it.
  await fetchAndKeep(ingest, id).catch((error: unknown) => {
    if (!isMeterlakeError(error)) throw error
    console.error(`its new state could not be read: ${error.message}`)
  })
}

async function confirm(id: string): Promise<void> {
  if (!process.stdin.isTTY) throw new MeterlakeError('USAGE', `revoking ${id} cannot be undone: say --yes`)
  using terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(
    `Revoke authorization ${id}? It cannot be undone, and the customer is told. [y/N] `,
  )
  if (!/^y(es)?$/i.test(answer.trim())) throw new MeterlakeError('USAGE', `authorization ${id} was not revoked`)
}

async function fetchAndKeep(
  { custodian, deps }: IngestDeps,
  id: string | undefined,
): Promise<readonly Authorization[]> {
  const observedAt = new Date().toISOString()
  const told = await entitled(custodian, async () =>
    custodian.authorizations(id === undefined ? {} : { id: plainId(id) }),
  )
  if (told.length > 0) {
    await deps.lake.stageAuthorizations(
      observedAt,
      told.map(({ resourceUri: _withHost, ...row }) => row),
    )
    await deps.runLakeJob({ kind: 'publish', roots: deps.roots, timeZone: deps.profile.timeZone }, {})
  }
  return told
}

/** With a token that is valid; a token just made that is refused says that we may not. */
async function entitled<T>(custodian: Custodian, request: () => Promise<T>): Promise<T> {
  let isFresh = (await custodian.currentToken()) === undefined
  if (isFresh) await custodian.refreshToken()
  for (;;) {
    try {
      return await request()
    } catch (error) {
      if (!isMeterlakeError(error)) throw error
      if (error.code === 'CERTIFICATE_SWITCHED') continue
      const isRefusal = error.code === 'REQUEST_REFUSED' || (error.code === 'TOKEN_EXPIRED' && isFresh)
      if (isRefusal) throw new MeterlakeError('NOT_ENTITLED', error.message, error.details)
      if (error.code !== 'TOKEN_EXPIRED') throw error
      await custodian.refreshToken()
      isFresh = true
    }
  }
}

/** An id as it stands in an href: one segment of a path. */
function plainId(id: string): string {
  if (/^[\w.,=~%+-]{1,256}$/.test(id) && !/^\.+$/.test(id)) return id
  throw new MeterlakeError('USAGE', `${JSON.stringify(id)} is not the id of an authorization`)
}
