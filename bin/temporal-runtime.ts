/** The Temporal runtime of this process: once installed, all workers and their native core log through our logger. */
import type { Logger, LogLevel, LogMetadata } from '@temporalio/common'
import { Runtime } from '@temporalio/worker'
import { redact } from '../activities/redact.ts'

/** The part of a pino logger that is used here. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

let installed = false

/**
 * Installs the runtime with this logger; later calls change nothing (Temporal allows one a process). Signals are ours: Temporal's own handling
 * would stop the workers before whoever owns the process knows.
 */
export function installRuntime(log: Log): void {
  if (installed) return
  installed = true
  Runtime.install({
    logger: temporalLogger(log),
    shutdownSignals: [],
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } },
  })
}

/** Temporal's messages as pino's; errors are told by their redacted message, never whole: they may hold a request. */
export function temporalLogger(log: Log): Logger {
  const write = (level: LogLevel, message: string, meta?: LogMetadata): void => {
    const fields = plainFields(meta ?? {})
    if (level === 'ERROR') log.error(fields, message)
    else if (level === 'WARN') log.warn(fields, message)
    // What Temporal finds informative (a worker's state, each activity's start) is detail to us.
    else log.debug(fields, message)
  }
  return {
    log: write,
    trace: () => {},
    debug: () => {},
    info: (message, meta) => {
      write('INFO', message, meta)
    },
    warn: (message, meta) => {
      write('WARN', message, meta)
    },
    error: (message, meta) => {
      write('ERROR', message, meta)
    },
  }
}

const told = ['taskQueue', 'workflowId', 'workflowType', 'runId', 'activityType', 'activityId', 'attempt'] as const

function plainFields(meta: LogMetadata): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const name of told) if (meta[name] !== undefined) fields[name] = meta[name]
  const error: unknown = meta['error'] ?? meta['err']
  if (error instanceof Error) fields['error'] = redact(error.message)
  return fields
}
