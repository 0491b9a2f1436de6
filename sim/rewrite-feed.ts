/** Feeds that say the same in other words: what the utility has changed before without notice. */

export type FeedRewriting = 'prefixes' | 'meter-ids'

/**
 * `prefixes`: `ns0`, `ns1`… get other names, declarations included. `meter-ids`: every MeterReading id in the links is encoded anew
 * (as on 2024-06-20), the same id always to the same.
 */
export function rewriteFeed(xml: string, how: FeedRewriting): string {
  return how === 'prefixes'
    ? xml.replace(/\bns(\d)(?=[:=])/g, 'gbc_$1')
    : xml.replace(/(\/MeterReading\/)([^/"]+)/g, (_all, before: string, id: string) => before + encodedAnew(id))
}

const encodedAnew = (id: string): string => Buffer.from(`m2:${id}`).toString('base64url')
