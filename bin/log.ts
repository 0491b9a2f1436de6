/** The log of a long-running role: pino, JSON lines on stderr. Fields are hashes, counts and codes, never URLs, tokens or bodies. */
import { type DestinationStream, destination, pino } from 'pino'
import { redact } from '../activities/redact.ts'
import type { Config } from '../schemas/config.ts'
import type { Log } from './temporal-runtime.ts'

/** Names under which nothing is ever written, whoever logs it. */
const secretName = /^(?:authorization|cookie|passphrase|password|body|headers?)$|token$|secret$/i

/** Writes at once, so that the last line of a process that dies is there. Texts are redacted, secret fields left out. */
export const openLog = ({ log }: Config, to: DestinationStream = destination({ fd: 2, sync: true })): Log =>
  pino(
    {
      level: log.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }), log: (fields) => cleanFields(fields) },
      hooks: {
        logMethod([fields, message], method) {
          method.call(this, fields, typeof message === 'string' ? redact(message) : message)
        },
      },
    },
    to,
  )

const cleanFields = (fields: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, secretName.test(name) ? '…' : clean(value)]))

function clean(value: unknown): unknown {
  if (typeof value === 'string') return redact(value)
  if (value instanceof Error) return redact(value.message)
  if (Array.isArray(value)) return value.map(clean)
  return typeof value === 'object' && value !== null ? cleanFields(value) : value
}
