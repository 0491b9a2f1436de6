/** What stands still between activities, as gauges of the Temporal runtime's own Prometheus endpoint. */
import type { Client } from '@temporalio/client'
import { Runtime } from '@temporalio/worker'
import type { Config } from '../schemas/config.ts'
import { certificatesOf, daysLeft } from './certificate-days.ts'
import { readStatus } from './lake-status.ts'
import { quotaGauges } from './quota-gauges.ts'
import { configuredClient } from './configured-client.ts'
import type { Log } from './temporal-runtime.ts'

/** Sets the gauges now and every `intervalMs` until disposed of. The runtime must be installed. */
export function startGauges(config: Config, client: Client, log: Log, intervalMs = 15_000): AsyncDisposable {
  const meter = Runtime.instance().metricMeter
  const age = meter.createGauge(
    'meterlake_oldest_unfetched_age_seconds',
    'int',
    's',
    'age of the oldest package not fetched; 0: none',
  )
  const parked = meter.createGauge(
    'meterlake_parked_packages',
    'int',
    '{package}',
    'packages that wait for an operator',
  )
  const lost = meter.createGauge(
    'meterlake_lost_packages',
    'int',
    '{package}',
    'notifications with packages the custodian has no longer, whose days are still missing',
  )
  const missing = meter.createGauge(
    'meterlake_missing_days',
    'int',
    'd',
    'operating days that are due and have not come',
  )
  const days = meter.createGauge('meterlake_certificate_days_left', 'float', 'd', 'days until a certificate expires')
  const measureQuota = quotaGauges(meter, client, configuredClient(config).profile)
  const measureLake = async (): Promise<void> => {
    for (const { name, cert } of certificatesOf(config)) days.set(await daysLeft(cert), { certificate: name })
    const { oldestUnfetchedAt, parked: waiting, lost: gone, missingDays } = await readStatus(config, 0)
    age.set(oldestUnfetchedAt === null ? 0 : Math.max(0, Math.round((Date.now() - Number(oldestUnfetchedAt)) / 1000)))
    parked.set(waiting.length)
    lost.set(gone)
    for (const [feed, count] of Object.entries(missingDays)) missing.set(count, { feed })
  }
  let running: Promise<void> | undefined
  const told = (error: unknown): void =>
    log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'gauges could not be measured')
  const measureOnce = (): void => {
    running ??= Promise.all([measureLake().catch(told), measureQuota().catch(told)])
      .then(() => {})
      .finally(() => {
        running = undefined
      })
  }
  measureOnce()
  const timer = setInterval(measureOnce, intervalMs)
  timer.unref()
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      await running
    },
  }
}
