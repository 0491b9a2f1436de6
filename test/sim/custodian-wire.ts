/** A webhook, certificates and a client around a simulated custodian: what the tests of its wire share. Made once a test file. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { Agent, type Dispatcher, request } from 'undici'
import { afterAll, beforeEach, expect } from 'vitest'
import { type CertificatePair, makeCertificates } from '../../sim/certificates.ts'
import { type SimulatedCustodian, type SimulatedCustodianOptions, startSimulatedCustodian } from '../../sim/server.ts'

export const directory = mkdtempSync(join(tmpdir(), 'meterlake-sim-'))
export const certificates = await makeCertificates(join(directory, 'certificates'))

const agents: Agent[] = []

/** A client with this certificate; without one, a client that shows none. */
export const agentOf = (pair?: CertificatePair, ca = certificates.ca): Agent => {
  const identity = pair ? { cert: readFileSync(pair.cert), key: readFileSync(pair.key) } : {}
  const agent = new Agent({ connect: { ca: readFileSync(ca), ...identity } })
  agents.push(agent)
  return agent
}

export const client = agentOf(certificates.client)

/** Notifications the webhook got since the test began. */
export const received: { body: string; sender: string; type: string | undefined }[] = []

const webhook = createServer(
  {
    cert: readFileSync(certificates.webhook.cert),
    key: readFileSync(certificates.webhook.key),
    ca: readFileSync(certificates.ca),
    requestCert: true,
    rejectUnauthorized: true,
  },
  (incoming, answer) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const socket = incoming.socket as TLSSocket
      received.push({
        body: Buffer.concat(chunks).toString(),
        sender: String(socket.getPeerCertificate().subject.CN),
        type: incoming.headers['content-type'],
      })
      answer.end()
    })
  },
)
await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve))
const webhookUrl = `https://localhost:${(webhook.address() as AddressInfo).port}/notify`

beforeEach(() => {
  received.length = 0
})

afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.destroy()))
  webhook.closeAllConnections()
  await new Promise((resolve) => webhook.close(resolve))
  rmSync(directory, { recursive: true })
})

export const start = (options: Partial<SimulatedCustodianOptions> = {}): Promise<SimulatedCustodian> =>
  startSimulatedCustodian({ certificates, notifyUrl: webhookUrl, readyAfterMs: 5, ...options })

export const basic = ({ clientId, clientSecret }: SimulatedCustodian): string =>
  `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`

export async function answerOf(promise: Promise<Dispatcher.ResponseData>) {
  const { statusCode, headers, body } = await promise
  return { status: statusCode, headers, body: Buffer.from(await body.arrayBuffer()) }
}

export const postToken = (custodian: SimulatedCustodian, dispatcher = client, url = custodian.tokenUrl) =>
  answerOf(
    request(url, {
      method: 'POST',
      headers: { authorization: basic(custodian), 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=client_credentials',
      dispatcher,
    }),
  )

export async function tokenOf(custodian: SimulatedCustodian): Promise<string> {
  const { body } = await postToken(custodian)
  return (JSON.parse(body.toString()) as { client_access_token: string }).client_access_token
}

export const get = (url: string, token: string, headers: Record<string, string> = {}) =>
  answerOf(request(url, { headers: { authorization: `Bearer ${token}`, ...headers }, dispatcher: client }))

export const urlsOf = (body: string): string[] =>
  [...body.matchAll(/<ns0:resources>([^<]+)</g)].map(([, url]) => url as string)

export async function untilReceived(n: number): Promise<void> {
  await expect.poll(() => received.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(n)
}
