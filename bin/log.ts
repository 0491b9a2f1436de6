/** The log of a long-running role: pino, JSON lines on stderr. Fields are hashes, counts and codes, never URLs, tokens or bodies. */
import { destination, pino } from 'pino'
import type { Config } from '../schemas/config.ts'
import type { Log } from './temporal-runtime.ts'

/** Writes at once, so that the last line of a process that dies is there. */
export const openLog = ({ log }: Config): Log =>
  pino(
    { level: log.level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    destination({ fd: 2, sync: true }),
  )
