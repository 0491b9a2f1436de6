/** The two-legged client token: OAuth 2.0 client credentials or refresh over mutual TLS (RFC 6749 4.4, 6; ESPI REQ.21). */
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import { readBounded } from './bounded-body.ts'
import { excerptOf } from './excerpt.ts'
import type { HttpClient } from './http.ts'
import { refusalOf } from './refusal.ts'
import type { StoredToken } from './token-store.ts'
import { readXmlElements } from './xml-elements.ts'

const maxAnswerBytes = 65_536

/** Life of a token whose answer names none: the shortest that PG&E's pages state (s). */
const defaultLife_s = 300
const maxLife_s = 366 * 86_400

export interface TokenRequest {
  readonly endpoint: string
  /** Both places of `grant_type` are in use with PG&E. */
  readonly grant: 'body' | 'query'
  /** Given: the token is refreshed with it; absent: asked for by client id and secret. */
  readonly refreshToken?: string | undefined
  readonly clientId: string
  readonly clientSecret: string
  /** Names the client in messages. */
  readonly alias: string
  readonly transaction: string
  readonly now: () => Date
  readonly signal?: AbortSignal | undefined
}

/**
 * Asks for a client access token: one request. Throws TOKEN_REFUSED (id or secret), REFRESH_REFUSED, TOKEN_MALFORMED,
 * CERTIFICATE_REFUSED and what `HttpClient.send` throws; no error holds a secret, a token or the answer.
 */
export async function requestToken(http: HttpClient, request: TokenRequest): Promise<StoredToken> {
  const { grant, clientId, clientSecret, refreshToken, signal } = request
  const what = `token ${refreshToken === undefined ? 'request' : 'refresh'} of client ${request.alias}`
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
  const form =
    refreshToken === undefined
      ? 'grant_type=client_credentials'
      : `grant_type=refresh_token&refresh_token=${encodeURIComponent(refreshToken)}`
  const issuedAt = request.now()
  const answer = await http.send({
    method: 'POST',
    url: grant === 'query' ? `${request.endpoint}?${form}` : request.endpoint,
    what,
    headers: {
      authorization: `Basic ${basic}`,
      accept: 'application/json, application/xml;q=0.9, */*;q=0.1',
      ...(grant === 'body' ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
    },
    body: grant === 'body' ? form : '',
    transaction: request.transaction,
    signal,
  })
  const { bytes, truncated } = await readBounded(answer.body, maxAnswerBytes, { what, signal })
  if (answer.status !== 200) {
    const secrets = [clientSecret, basic, ...(refreshToken === undefined ? [] : [refreshToken, form])]
    const excerpt = excerptOf(bytes, secrets)
    const context = { endpoint: 'token', what, tokenExpiredStatuses: [], now: request.now() } as const
    const refusal = refusalOf({ ...answer, excerpt }, context)
    if (refreshToken !== undefined && ['TOKEN_REFUSED', 'REQUEST_REFUSED'].includes(refusal.code)) {
      throw new MeterlakeError('REFRESH_REFUSED', refusal.message, refusal.details)
    }
    throw refusal
  }
  if (truncated)
    throw new MeterlakeError('TOKEN_MALFORMED', `${what}: the answer is longer than ${maxAnswerBytes} bytes`)
  const { token, life_s, refreshToken: newer } = readAnswer(bytes, what, refreshToken !== undefined)
  const next = newer ?? refreshToken
  return {
    token,
    // Where none comes the one used stays good (RFC 6749 6).
    ...(next === undefined ? {} : { refreshToken: next }),
    issuedAt: issuedAt.toISOString(),
    expiresAt: new Date(issuedAt.getTime() + life_s * 1000).toISOString(),
  }
}

/** An OAuth error with 200 is a refusal of what was sent. */
function readAnswer(bytes: Uint8Array, what: string, isRefresh: boolean): TokenAnswer {
  try {
    return parseTokenAnswer(bytes, what)
  } catch (error) {
    if (!isRefresh || !isMeterlakeError(error) || error.code !== 'TOKEN_REFUSED') throw error
    throw new MeterlakeError('REFRESH_REFUSED', error.message, error.details)
  }
}

export interface TokenAnswer {
  readonly token: string
  readonly life_s: number
  readonly refreshToken?: string
}

/**
 * Reads a token answer: JSON (seen on the wire) or XML (documented), `client_access_token` (PG&E) or `access_token`, life as
 * number, as text, or absent. Throws TOKEN_MALFORMED; TOKEN_REFUSED where a 200 carries an OAuth error.
 */
export function parseTokenAnswer(bytes: Uint8Array, what = 'token answer'): TokenAnswer {
  const fields = readFields(bytes)
  if (fields === undefined) {
    throw new MeterlakeError('TOKEN_MALFORMED', `${what}: the answer is neither JSON nor XML`, { bytes: bytes.length })
  }
  const token = fields.get('client_access_token') ?? fields.get('access_token')
  if (token === undefined || !/^[\x21-\x7e]{1,8192}$/.test(token)) {
    const refused = token === undefined && fields.has('error')
    const code = refused ? 'TOKEN_REFUSED' : 'TOKEN_MALFORMED'
    const found =
      token === undefined ? 'no client_access_token or access_token' : 'a token with characters no header may have'
    throw new MeterlakeError(code, `${what}: the answer has ${refused ? 'an OAuth error' : found}`, {
      bytes: bytes.length,
    })
  }
  const refreshToken = fields.get('refresh_token') ?? fields.get('client_refresh_token')
  // One that no URL or form could carry is as good as none.
  const kept = refreshToken !== undefined && /^[\x21-\x7e]{1,8192}$/.test(refreshToken) ? { refreshToken } : {}
  const life = fields.get('expires_in')
  if (life === undefined || life === '') return { token, life_s: defaultLife_s, ...kept }
  const life_s = /^\d{1,12}(\.\d+)?$/.test(life) ? Math.min(Math.floor(Number(life)), maxLife_s) : 0
  if (life_s === 0)
    throw new MeterlakeError('TOKEN_MALFORMED', `${what}: expires_in is not a number of seconds above 0`)
  return { token, life_s, ...kept }
}

function readFields(bytes: Uint8Array): ReadonlyMap<string, string> | undefined {
  const text = new TextDecoder().decode(bytes).trim()
  try {
    if (text.startsWith('<')) {
      return new Map(readXmlElements(Buffer.from(text)).map(({ name, text: value }) => [name, value.trim()]))
    }
    const json: unknown = JSON.parse(text)
    if (typeof json !== 'object' || json === null) return undefined
    const scalars = Object.entries(json).filter(([, value]) => ['string', 'number'].includes(typeof value))
    return new Map(scalars.map(([name, value]) => [name, String(value).trim()]))
  } catch {
    return undefined
  }
}
