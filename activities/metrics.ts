/** What the activities count, through the meter of the Temporal runtime: no exporter of ours. Names and units are documented in docs/operations.md. */
import { metricMeter } from '@temporalio/activity'
import type { PublishedLoad } from '../schemas/ingest.ts'

const counter = (name: string, unit: string, description: string) => metricMeter.createCounter(name, unit, description)

/** One package fetched: `outcome` downloaded, no_data or not_ready. */
export function countPackage(feed: string, outcome: string, bytes: number): void {
  counter('meterlake_packages', '{package}', 'answers to requests for a package').add(1, { feed, outcome })
  if (bytes > 0) counter('meterlake_bytes', 'By', 'bytes of packages as received').add(bytes, { feed })
}

/** The loads of one commit, once each. */
export function countLoads(loads: readonly PublishedLoad[]): void {
  for (const { status, readings, revised, quarantined } of loads) {
    counter('meterlake_loads', '{load}', 'loads published').add(1, { status })
    counter('meterlake_readings', '{reading}', 'readings received').add(readings)
    counter('meterlake_revisions', '{reading}', 'readings that changed an earlier one').add(revised)
    counter('meterlake_quarantined', '{entry}', 'entries left out').add(quarantined)
  }
}
