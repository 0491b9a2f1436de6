/** Token endpoint: client credentials with Basic authentication, and the tokens it gave out. */
import { randomUUID } from 'node:crypto'
import { type Answer, jsonAnswer, textAnswer } from './answer.ts'

interface TokenOptions {
  readonly clientId: string
  readonly clientSecret: string
  readonly tokenFormat: TokenForm['format']
  readonly tokenLife_s: number
  readonly expiresIn: TokenForm['expiresIn']
  readonly now: () => number
}

interface TokenForm {
  readonly format: 'json' | 'xml'
  /** How `expires_in` is written. */
  readonly expiresIn: 'number' | 'string' | 'absent'
  readonly life_s: number
}

/** What of the usual form a fault changes. */
type TokenFormChange = { readonly [K in keyof TokenForm]?: TokenForm[K] | undefined }

export interface TokenEndpoint {
  /** Answers a request to the token path; `body` is the form that came with it. */
  answer(
    request: {
      readonly method: string
      readonly query: URLSearchParams
      readonly body: string
      readonly authorization: string
    },
    change?: TokenFormChange,
  ): Answer
  /** Whether `Authorization: Bearer …` carries a token that is still good. */
  accepts(authorization: string): boolean
  revokeAll(): void
}

const scope =
  'FB=1_3_8_13_14_18_19_31_32_35_37_38_39_4_5_10_15_16_46_47;AdditionalScope=Usage_Billing_Basic_Account;' +
  'IntervalDuration=900_3600;BlockDuration=Daily;HistoryLength=94608000;dataCustodianId=PGE'

export function createTokenEndpoint(options: TokenOptions): TokenEndpoint {
  const { clientId, clientSecret, tokenFormat, tokenLife_s, expiresIn, now } = options
  const expected = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`
  const expiry = new Map<string, number>()
  return {
    answer({ method, query, body, authorization }, change = {}) {
      if (method !== 'POST') return oauthError(405, `${method} not permitted`)
      const grant = query.get('grant_type') ?? new URLSearchParams(body).get('grant_type')
      if (grant === null) return oauthError(400, 'Missing grant_type')
      if (grant !== 'client_credentials') return oauthError(400, `Unsupported grant_type`)
      if (authorization === '') return oauthError(400, 'client_id is empty')
      if (authorization !== expected) return textAnswer(403, 'invalid_client')
      const token = randomUUID()
      const { format = tokenFormat, life_s = tokenLife_s } = change
      const form: TokenForm = { format, life_s, expiresIn: change.expiresIn ?? expiresIn }
      expiry.set(token, now() + life_s * 1000)
      return format === 'xml' ? xmlToken(token, form) : jsonToken(token, form)
    },
    accepts(authorization) {
      const until = expiry.get(authorization.replace(/^Bearer /, ''))
      return until !== undefined && now() < until
    },
    revokeAll: () => expiry.clear(),
  }
}

function jsonToken(token: string, { expiresIn, life_s }: TokenForm): Answer {
  const life = expiresIn === 'absent' ? {} : { expires_in: expiresIn === 'string' ? String(life_s) : life_s }
  return jsonAnswer(200, { client_access_token: token, ...life, scope, token_type: 'Bearer' })
}

function xmlToken(token: string, { expiresIn, life_s }: TokenForm): Answer {
  const life = expiresIn === 'absent' ? '' : `<expires_in>${life_s}</expires_in>`
  const body = `<Response><client_access_token>${token}</client_access_token>${life}<scope>${scope}</scope><token_type>Bearer</token_type></Response>`
  return { status: 200, headers: { 'content-type': 'application/xml' }, body }
}

const oauthError = (status: number, description: string): Answer =>
  jsonAnswer(status, { error: 'invalid_request', error_description: description })
