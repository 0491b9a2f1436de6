/** One request of the simulated custodian: certificate, token, endpoint, fault, record. */
import { randomUUID, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { type Answer, sendAnswer, textAnswer } from './answer.ts'
import type { CertificatePaths } from './certificates.ts'
import { basePath, testTokenPath, tokenPath } from './endpoint-paths.ts'
import { answerResource, type EndpointContext } from './endpoints.ts'
import { isAuthorizationPath } from './registry.ts'
import type { FaultEffect } from './fault.ts'
import type { FaultPlan } from './fault-plan.ts'
import type { LimitMeter } from './limit-meter.ts'
import type { TokenEndpoint } from './token-endpoint.ts'

export interface ServedRequest {
  readonly method: string
  /** Without query. */
  readonly path: string
  readonly query: string
  readonly status: number
  readonly at_ms: number
  /** What the client sent as x-transaction. */
  readonly transaction: string | null
}

interface ListenerParts {
  readonly certificates: CertificatePaths
  readonly tokens: TokenEndpoint
  readonly faults: FaultPlan
  readonly limits: LimitMeter
  /** Every request is appended here. */
  readonly requests: ServedRequest[]
  readonly context: EndpointContext
}

const longestForm = 64 * 1024

/** The listener of the HTTPS server. */
export function createRequestListener(parts: ListenerParts): RequestListener {
  const registered = new X509Certificate(readFileSync(parts.certificates.client.cert)).fingerprint256
  return (request, response) => {
    serve(parts, registered, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)))
    })
  }
}

async function serve(
  parts: ListenerParts,
  registered: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const at_ms = parts.context.now()
  const url = new URL(request.url ?? '/', 'https://localhost')
  const sent = request.headers['x-transaction']
  const transaction = typeof sent === 'string' ? sent : null
  const authorization = request.headers.authorization ?? ''
  const waitS = parts.limits.arrive(parts.tokens.clientOf(authorization) ?? 'unknown', at_ms)
  const form = await formOf(request)
  const effect = parts.faults.take(url.pathname, url.searchParams.has('correlationID'))
  const answer =
    waitS === undefined ? await answerOf(parts, registered, request, url, { form, effect }) : tooMany(waitS)
  parts.requests.push({
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.search,
    status: effect?.kind === 'answer' ? effect.status : answer.status,
    at_ms,
    transaction,
  })
  response.setHeader('x-transaction', transaction ?? randomUUID())
  if (effect?.kind === 'early') await answer.notifies?.()
  await sendAnswer(response, answer, effect)
  const isSwallowed = effect !== undefined && swallowing.has(effect.kind)
  if (!isSwallowed) await answer.notifies?.()
}

/** Effects after which no notification follows a 202; `early` has sent it already. */
const swallowing: ReadonlySet<FaultEffect['kind']> = new Set(['silence', 'early', 'answer', 'reset', 'truncate'])

const tooMany = (waitS: number): Answer => ({
  status: 429,
  headers: { 'content-type': 'text/plain', 'retry-after': String(waitS) },
  body: 'Too Many Requests',
})

async function answerOf(
  { tokens, context }: ListenerParts,
  registered: string,
  request: IncomingMessage,
  url: URL,
  { form, effect }: { readonly form: string; readonly effect: FaultEffect | undefined },
): Promise<Answer> {
  const socket = request.socket as TLSSocket
  if (!socket.authorized || socket.getPeerX509Certificate()?.fingerprint256 !== registered) {
    return textAnswer(400, 'Invalid Certificate')
  }
  const { pathname, searchParams } = url
  const authorization = request.headers.authorization ?? ''
  if (pathname === tokenPath || pathname === testTokenPath) {
    const asked = { method: request.method ?? 'GET', query: searchParams, body: form, authorization }
    return tokens.answer(asked, effect?.kind === 'token' ? effect : {})
  }
  if (!pathname.startsWith(`${basePath}/`)) return textAnswer(404, `No listener for endpoint: ${pathname}`)
  const isApplication = pathname.startsWith(`${basePath}/ApplicationInformation/`)
  if (isApplication) return context.registry.application(pathname, authorization)
  if (!tokens.accepts(authorization)) return textAnswer(403, 'Invalid access token')
  if (isAuthorizationPath(pathname)) return context.registry.authorization(request.method ?? 'GET', pathname)
  if (request.method !== 'GET') return textAnswer(405, `${request.method} not permitted`)
  return await answerResource(context, pathname, searchParams)
}

async function formOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) {
    text += String(chunk)
    if (text.length > longestForm) return text
  }
  return text
}
