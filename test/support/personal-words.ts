/** What customer feeds of a simulated fleet say of persons: names, addresses, telephones, and numbers of customers, accounts and agreements. */
import type { Fleet } from '../../sim/fleet.ts'
import { renderCustomerFeed } from '../../sim/render-customer.ts'

/** As in the XML and unescaped. Numbers that usage feeds carry too (usage points, subscriptions, meters) and towns are not among them. */
export function personalWords(fleet: Fleet, generatedAts_ms: readonly number[] = [0]): readonly string[] {
  const xml = generatedAts_ms.map((at) => Buffer.concat([...renderCustomerFeed(fleet, at)]).toString('latin1')).join('')
  const named = xml.matchAll(
    /<(?:Customer|CustomerAccount|contactInfo)><name>([^<]+)<|<name>([^<]+)<\/name><type>|<addressGeneral>([^<]+)<|<email1>([^<]+)</g,
  )
  const texts = [...named].map((groups) => groups.slice(1).find((text) => text !== undefined) ?? '')
  const ids = [...xml.matchAll(/\/Customer\/([^/"]+)\/CustomerAccount\/(\d+)\/CustomerAgreement/g)].flatMap(
    ([, customer = '', account = '']) => [customer, account],
  )
  return [...new Set([...texts, ...texts.map((text) => text.replaceAll('&amp;', '&')), ...ids])]
}
