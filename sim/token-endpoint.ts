/** Token endpoint: client credentials or a refresh token with Basic authentication, and the tokens it gave out. */
import { randomUUID } from 'node:crypto'
import { type Answer, jsonAnswer, textAnswer } from './answer.ts'

export interface SimulatedClient {
  readonly clientId: string
  readonly clientSecret: string
}

interface TokenForm {
  readonly format: 'json' | 'xml'
  /** How `expires_in` is written. */
  readonly expiresIn: 'number' | 'string' | 'absent'
  readonly life_s: number
}

interface TokenOptions {
  readonly clients: readonly SimulatedClient[]
  readonly tokenFormat: TokenForm['format']
  readonly tokenLife_s: number
  readonly expiresIn: TokenForm['expiresIn']
  /** Answers carry a refresh token; each works once, and the latest of a client alone. */
  readonly refreshTokens: boolean
  readonly now: () => number
}

interface TokenPost {
  readonly method: string
  readonly query: URLSearchParams
  readonly body: string
  readonly authorization: string
}

/** What of the usual form a fault changes. */
type TokenFormChange = { readonly [K in keyof TokenForm]?: TokenForm[K] | undefined }

export interface TokenEndpoint {
  /** Answers a request to the token path; `body` is the form that came with it. */
  answer(request: TokenPost, change?: TokenFormChange): Answer
  /** Whether `Authorization: Bearer …` carries a token that is still good. */
  accepts(authorization: string): boolean
  /** Whose request it is, by its Authorization header, an expired token included. */
  clientOf(authorization: string): string | undefined
  revokeAll(): void
  /** From now on refresh tokens given out so far are refused. */
  revokeRefreshTokens(): void
}

const scope =
  'FB=1_3_8_13_14_18_19_31_32_35_37_38_39_4_5_10_15_16_46_47;AdditionalScope=Usage_Billing_Basic_Account;' +
  'IntervalDuration=900_3600;BlockDuration=Daily;HistoryLength=94608000;dataCustodianId=PGE'

export function createTokenEndpoint(options: TokenOptions): TokenEndpoint {
  const { clients, tokenFormat, tokenLife_s, expiresIn, refreshTokens, now } = options
  const idOfBasic = new Map(
    clients.map(({ clientId, clientSecret }) => [
      `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
      clientId,
    ]),
  )
  const expiry = new Map<string, number>()
  const ownerOf = new Map<string, string>()
  /** The one refresh token of each client that is good. */
  const refreshOf = new Map<string, string>()
  return {
    answer({ method, query, body, authorization }, change = {}) {
      if (method !== 'POST') return oauthError(405, `${method} not permitted`)
      const fields = new URLSearchParams(body)
      const parameter = (name: string): string | null => query.get(name) ?? fields.get(name)
      const grant = parameter('grant_type')
      if (grant === null) return oauthError(400, 'Missing grant_type')
      if (grant !== 'client_credentials' && !(refreshTokens && grant === 'refresh_token')) {
        return oauthError(400, `Unsupported grant_type`)
      }
      if (authorization === '') return oauthError(400, 'client_id is empty')
      const clientId = idOfBasic.get(authorization)
      if (clientId === undefined) return textAnswer(403, 'invalid_client')
      if (grant === 'refresh_token' && parameter('refresh_token') !== refreshOf.get(clientId)) {
        return jsonAnswer(400, { error: 'invalid_grant' })
      }
      const token = randomUUID()
      const { format = tokenFormat, life_s = tokenLife_s } = change
      const form: TokenForm = { format, life_s, expiresIn: change.expiresIn ?? expiresIn }
      expiry.set(token, now() + life_s * 1000)
      ownerOf.set(token, clientId)
      const refresh = refreshTokens ? randomUUID() : undefined
      if (refresh !== undefined) refreshOf.set(clientId, refresh)
      return (format === 'xml' ? xmlToken : jsonToken)(token, form, refresh)
    },
    accepts(authorization) {
      const until = expiry.get(authorization.replace(/^Bearer /, ''))
      return until !== undefined && now() < until
    },
    clientOf: (authorization) => idOfBasic.get(authorization) ?? ownerOf.get(authorization.replace(/^Bearer /, '')),
    revokeAll: () => expiry.clear(),
    revokeRefreshTokens: () => refreshOf.clear(),
  }
}

function jsonToken(token: string, { expiresIn, life_s }: TokenForm, refresh_token: string | undefined): Answer {
  const life = expiresIn === 'absent' ? {} : { expires_in: expiresIn === 'string' ? String(life_s) : life_s }
  const refresh = refresh_token === undefined ? {} : { refresh_token }
  return jsonAnswer(200, { client_access_token: token, ...life, ...refresh, scope, token_type: 'Bearer' })
}

function xmlToken(token: string, { expiresIn, life_s }: TokenForm, refresh_token: string | undefined): Answer {
  const life = expiresIn === 'absent' ? '' : `<expires_in>${life_s}</expires_in>`
  const refresh = refresh_token === undefined ? '' : `<refresh_token>${refresh_token}</refresh_token>`
  const body = `<Response><client_access_token>${token}</client_access_token>${life}${refresh}<scope>${scope}</scope><token_type>Bearer</token_type></Response>`
  return { status: 200, headers: { 'content-type': 'application/xml' }, body }
}

const oauthError = (status: number, description: string): Answer =>
  jsonAnswer(status, { error: 'invalid_request', error_description: description })
