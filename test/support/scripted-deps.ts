/**
 * Activities' surroundings as a script, for what a real custodian and lake do only by chance: refusals in a given order, a
 * publisher that is overtaken. The whole path on real ones is test/workflows/whole-path.test.ts.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Deps, LakeJobProgress, RunLakeJob } from '../../activities/deps.ts'
import type { Authorization } from '../../custodian/authorization.ts'
import type { BulkRequest } from '../../custodian/custodian.ts'
import { resolveProfile } from '../../custodian/profile.ts'
import { MeterlakeError } from '../../schemas/errors.ts'
import type {
  NotificationRecord,
  PublishedLoad,
  RawFeed,
  ReceivedNotification,
  StagedLoad,
  TokenHandle,
} from '../../schemas/ingest.ts'
import type { AuthorizationRow } from '../../schemas/stage.ts'
import type { DayWindow } from '../../schemas/calendar-day.ts'
import type { GapFacts } from '../../schemas/gaps.ts'
import type { RequestRecord } from '../../schemas/pull.ts'
import type { LakeJob, LakeJobResult } from '../../schemas/load-process.ts'

/** One answer of the custodian: bytes, or an error to throw. */
export type Answer = string | MeterlakeError

export interface Script {
  /** Answers by correlationID, in order; the last one repeats. */
  readonly downloads?: Readonly<Record<string, readonly Answer[]>>
  /** Errors of the token endpoint, in order; then tokens. */
  readonly tokenErrors?: readonly Error[]
  /** Answers about Authorizations, in order; then none. */
  readonly authorizations?: (readonly Authorization[] | MeterlakeError)[]
  /** Life of a token, ms. */
  readonly tokenLifeMs?: number
  /** Called inside each token request. */
  readonly onToken?: () => Promise<void>
  /** Errors of loads, in order; then they succeed. */
  readonly loadErrors?: readonly MeterlakeError[]
  /** Runs inside a load job, with its signal. */
  readonly onLoad?: (signal: AbortSignal) => Promise<void>
  /** Answers ad hoc requests (the n-th, from 1); absent: all are accepted. */
  readonly onRequest?: (
    request: BulkRequest,
    n: number,
  ) => Promise<'accepted' | 'no_data' | 'too_large' | MeterlakeError>
  /** Days of the readings of a download. */
  readonly daysOf?: (correlationId: string) => DayWindow
  readonly settled?: readonly DayWindow[]
  readonly gapFacts?: GapFacts
  /** Where it keeps its files; absent: a temporary folder. */
  readonly folder?: string
  /** Absent: unique. */
  readonly clientAlias?: string
}

export interface ScriptedDeps extends AsyncDisposable {
  readonly deps: Deps
  /** The token itself, each one given out: for scans of what must not hold it. */
  readonly tokens: readonly string[]
  /** Requests by correlationID. */
  readonly requests: ReadonlyMap<string, number>
  readonly ledger: ReadonlyMap<string, PublishedLoad>
  readonly notifications: readonly NotificationRecord[]
  /** Staged so far. */
  readonly authorizations: readonly AuthorizationRow[]
  /** Rows staged for ops.request. */
  readonly requestRecords: readonly RequestRecord[]
  /** Ad hoc requests as they came. */
  readonly bulkRequests: readonly BulkRequest[]
  /** A notification in a spool file, as the webhook leaves it. */
  spool(correlationIds: readonly string[]): Promise<ReceivedNotification>
  spoolBody(body: string): Promise<ReceivedNotification>
}

const resourceBase = 'https://api.pge.com/GreenButtonConnect/espi/1_1/resource'
export const bulkUrl = (correlationId: string): string =>
  `${resourceBase}/Batch/Bulk/50098?correlationID=${correlationId}`

export const error = (code: ConstructorParameters<typeof MeterlakeError>[0], details = {}): MeterlakeError =>
  new MeterlakeError(code, `scripted ${code}`, details)

export async function scriptDeps(script: Script = {}): Promise<ScriptedDeps> {
  const folder = script.folder ?? (await mkdtemp(join(tmpdir(), 'meterlake-scripted-')))
  const requests = new Map<string, number>()
  const ledger = new Map<string, PublishedLoad>()
  const notifications: NotificationRecord[] = []
  const tokens: string[] = []
  const authorizations: AuthorizationRow[] = []
  const staged: StagedLoad[] = []
  const requestRecords: RequestRecord[] = []
  const bulkRequests: BulkRequest[] = []
  const loadDays = new Map<string, DayWindow>()
  const stagedNotifications: NotificationRecord[] = []
  const tokenErrors = [...(script.tokenErrors ?? [])]
  const loadErrors = [...(script.loadErrors ?? [])]
  let held: TokenHandle | undefined
  let commits = 0

  const runJob = async (
    job: LakeJob,
    signal: AbortSignal,
    onProgress: (progress: LakeJobProgress) => void,
  ): Promise<LakeJobResult> => {
    onProgress({ type: 'progress', phase: 'read', done: 1, total: 2 })
    if (job.kind === 'publish') {
      const taken = staged.splice(0)
      notifications.push(...stagedNotifications.splice(0))
      if (taken.length > 0) commits += 1
      const loads = taken.map((load) => publishedLoad(load, commits))
      for (const load of loads) ledger.set(load.loadId, load)
      return { kind: 'publish', loads, commit: loads.length > 0 ? commits : null }
    }
    await script.onLoad?.(signal)
    const failure = loadErrors.shift()
    if (failure !== undefined) throw failure
    const { sha256 } = job.request.raw
    const loadId = sha256.slice(0, 16)
    const load: StagedLoad = {
      loadId,
      sha256,
      outcome: ledger.has(loadId) ? 'known' : 'staged',
      readings: 24,
      quarantined: 0,
    }
    if (load.outcome === 'staged') staged.push(load)
    return { kind: 'load', staged: load }
  }

  const profile = resolveProfile('pge')
  const deps: Deps = {
    clientAlias: script.clientAlias ?? `scripted-${randomUUID()}`,
    // The vendor's pace would make each test minutes long.
    profile: { ...profile, limits: { ...profile.limits, perSecond: 1_000, marginMs: 0 } },
    incomingDir: join(folder, 'incoming'),
    roots: { lake: join(folder, 'lake'), pii: join(folder, 'pii') },
    custodian: {
      authorizations: async ({ id } = {}) => {
        const answer = script.authorizations?.shift() ?? []
        if (answer instanceof Error) throw answer
        return answer.filter(({ authorizationId }) => id === undefined || authorizationId === id)
      },
      currentToken: async () => held,
      refreshToken: async () => {
        await script.onToken?.()
        const failure = tokenErrors.shift()
        if (failure !== undefined) throw failure
        const token = randomUUID()
        tokens.push(token)
        const fingerprint = createHash('sha256').update(token).digest('hex').slice(0, 12)
        held = { fingerprint, expiresAt: new Date(Date.now() + (script.tokenLifeMs ?? 3_600_000)).toISOString() }
        return held
      },
      download: async ({ resource, directory, onProgress }) => {
        const correlationId = resource.correlationId ?? ''
        const count = (requests.get(correlationId) ?? 0) + 1
        requests.set(correlationId, count)
        const answers = script.downloads?.[correlationId] ?? [correlationId]
        const answer = answers[Math.min(count, answers.length) - 1] as Answer
        if (typeof answer !== 'string') throw answer
        await mkdir(directory, { recursive: true })
        const path = join(directory, `${randomUUID()}.part`)
        await writeFile(path, answer)
        onProgress?.({ bytes: answer.length, totalBytes: answer.length })
        const sha256 = createHash('sha256').update(answer).digest('hex')
        const receivedAt = new Date().toISOString()
        loadDays.set(sha256.slice(0, 16), script.daysOf?.(correlationId) ?? { from: '2026-01-01', to: '2026-01-31' })
        return { path, sha256, bytes: answer.length, kind: 'usage', receivedAt, transaction: null }
      },
      requestBulk: async (request) => {
        bulkRequests.push(request)
        const answer = (await script.onRequest?.(request, bulkRequests.length)) ?? 'accepted'
        if (typeof answer !== 'string') throw answer
        return { status: answer, transaction: `theirs-${bulkRequests.length}` }
      },
    },
    lake: {
      archive: async (feed): Promise<RawFeed> => {
        const path = join(folder, `${feed.sha256}.raw`)
        await writeFile(path, '')
        return {
          sha256: feed.sha256,
          bytes: feed.bytes,
          path,
          root: 'lake',
          kind: 'usage',
          receivedAt: feed.receivedAt,
        }
      },
      published: async (loadIds) => new Map([...ledger].filter(([loadId]) => loadIds.includes(loadId))),
      stageAuthorizations: async (_observedAt, rows) => {
        authorizations.push(...rows)
      },
      stageNotification: async (record) => {
        stagedNotifications.push(record)
      },
      stageRequest: async (record) => {
        requestRecords.push(record)
      },
      loadDays: async (loadIds) => new Map([...loadDays].filter(([loadId]) => loadIds.includes(loadId))),
      settledWindows: async () => script.settled ?? [],
      gapFacts: async () => script.gapFacts ?? { firstReceivedAt: null, loads: [], notifications: [], requests: [] },
    },
    runLakeJob: (async (job, { signal, onProgress }) =>
      runJob(job, signal ?? new AbortController().signal, onProgress ?? (() => {}))) as RunLakeJob,
  }

  const spoolBody = async (body: string): Promise<ReceivedNotification> => {
    const notificationId = createHash('sha256').update(body).digest('hex')
    const spoolPath = join(folder, 'spool/new', `${notificationId}.xml`)
    await mkdir(join(spoolPath, '..'), { recursive: true })
    await writeFile(spoolPath, body)
    return { notificationId, receivedAt: new Date().toISOString(), spoolPath }
  }
  return {
    deps,
    tokens,
    requests,
    ledger,
    notifications,
    authorizations,
    requestRecords,
    bulkRequests,
    spoolBody,
    spool: async (correlationIds) => spoolBody(batchList(correlationIds.map(bulkUrl))),
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true }),
  }
}

export function batchList(urls: readonly string[]): string {
  const items = urls.map((url) => `<espi:resources>${url.replaceAll('&', '&amp;')}</espi:resources>`).join('')
  return `<?xml version="1.0"?><espi:BatchList xmlns:espi="http://naesb.org/espi">${items}</espi:BatchList>`
}

const publishedLoad = ({ loadId, readings }: StagedLoad, commit: number): PublishedLoad => ({
  loadId,
  status: 'loaded',
  commit,
  readings,
  newReadings: readings,
  revised: 0,
  unchanged: 0,
  parked: 0,
  quarantined: 0,
})
