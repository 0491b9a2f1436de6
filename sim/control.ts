/** A control endpoint on loopback for a running simulated custodian: plain HTTP, JSON answers, no secrets. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseFaults } from './fault-catalogue.ts'
import type { Preparation, SimulatedCustodian } from './server.ts'

interface ControlEndpoint extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string
}

const longestBody = 2 * 1024 * 1024

/**
 * `POST /day?date=YYYY-MM-DD[&customers=1]` prepares a day and notifies; `POST /file?path=…` serves a file; `POST /notify` sends its
 * body as a notification; `POST /faults` adds faults (a JSON list), `DELETE /faults` clears them; `POST /clock?advance_s=…` puts the
 * custodian's clock forward; `GET /requests` lists what came; `GET /limits` says how it stands with the limits.
 */
export async function startControl(custodian: SimulatedCustodian, port = 0): Promise<ControlEndpoint> {
  const server = createServer((request, response) => {
    control(custodian, request)
      .catch((error: unknown) => ({
        status: 400,
        body: { error: error instanceof Error ? error.message : String(error) },
      }))
      .then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
      })
      .catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

interface ControlAnswer {
  readonly status: number
  readonly body: unknown
}

async function control(custodian: SimulatedCustodian, request: IncomingMessage): Promise<ControlAnswer> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
  const parameter = (name: string): string => {
    const value = searchParams.get(name)
    if (value === null) throw new RangeError(`${pathname} needs ?${name}=`)
    return value
  }
  switch (`${request.method} ${pathname}`) {
    case 'POST /day': {
      const customers = searchParams.has('customers')
      return prepared(await custodian.prepareDay(parameter('date'), { customers }))
    }
    case 'POST /file':
      return prepared(await custodian.serveFile(searchParams.getAll('path')))
    case 'POST /notify':
      return { status: 200, body: await custodian.notify({ body: await bodyOf(request) }) }
    case 'POST /faults':
      custodian.faults.add(...parseFaults(JSON.parse(await bodyOf(request))))
      return { status: 200, body: { ok: true } }
    case 'POST /clock': {
      const text = parameter('advance_s')
      if (!/^\d{1,9}$/.test(text)) throw new RangeError('advance_s is a whole number of seconds')
      custodian.advance(Number(text) * 1000)
      return { status: 200, body: { ok: true } }
    }
    case 'DELETE /faults':
      custodian.faults.clear()
      return { status: 200, body: { ok: true } }
    case 'GET /requests':
      return {
        status: 200,
        body: custodian.requests.map(({ method, path, status, at_ms }) => ({ method, path, status, at_ms })),
      }
    case 'GET /limits':
      return { status: 200, body: custodian.limitCounts() }
    default:
      return { status: 404, body: { error: `nothing at ${request.method} ${pathname}` } }
  }
}

const prepared = ({ resources, notification }: Preparation): ControlAnswer => ({
  status: 200,
  body: { resources, notification },
})

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > longestBody) throw new RangeError('body too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
