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
 * Installs the runtime with this logger, and its Prometheus endpoint at `metrics` (host:port); later calls change nothing (Temporal allows one a process). Signals are ours: Temporal's own handling
 * would stop the workers before whoever owns the process knows.
 */
export function installRuntime(log: Log, metrics?: string): void {
  if (installed) return
  installed = true
  Runtime.install({
    logger: temporalLogger(log),
    shutdownSignals: [],
    telemetryOptions: {
      logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
      ...(metrics !== undefined && {
        metrics: {
          prometheus: {
            bindAddress: metrics,
            countersTotalSuffix: true,
            unitSuffix: false,
            useSecondsForDurations: true,
          },
        },
      }),
    },
  })
}

/** Temporal's messages as pino's; errors are told by their redacted message, never whole: they may hold a request. */
export function temporalLogger(log: Log): Logger {
  const write = (level: LogLevel, message: string, meta?: LogMetadata): void => {
    const fields = plainFields(meta ?? {})
    if (level === 'ERROR') log.error(fields, message)
    else if (level === 'WARN') log.warn(fields, message)
    // What Temporal finds informative (a worker's state, each activity's start) is detail to us; what our own code says is not.
    else if (meta?.['sdkComponent'] === 'activity' || meta?.['sdkComponent'] === 'workflow') log.info(fields, message)
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

const told = [
  'taskQueue',
  'workflowId',
  'workflowType',
  'runId',
  'activityType',
  'activityId',
  'attempt',
  // what our own activities say: ids, hashes and counts
  'loadId',
  'loads',
  'commit',
  'sha256',
  'bytes',
  'transaction',
  'notificationId',
  'outcome',
  'readings',
  'quarantined',
  'staged',
] as const

function plainFields(meta: LogMetadata): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const name of told) if (meta[name] !== undefined) fields[name] = meta[name]
  const error: unknown = meta['error'] ?? meta['err']
  if (error instanceof Error) fields['error'] = redact(error.message)
  return fields
}
