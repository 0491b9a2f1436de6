/** What the customer feed of a simulated fleet says of persons: names, streets, towns, and numbers of customers, accounts and agreements. */
import type { Fleet } from '../../sim/fleet.ts'
import { renderCustomerFeed } from '../../sim/render-customer.ts'

/** As in the XML and unescaped. Numbers that usage feeds carry too (usage points, subscriptions, meters) are not among them. */
export function personalWords(fleet: Fleet): readonly string[] {
  const xml = Buffer.concat([...renderCustomerFeed(fleet, 0)]).toString('latin1')
  const texts = [...xml.matchAll(/<(?:name|addressGeneral)>([^<]+)</g)].map(([, text]) => text ?? '')
  const ids = [...xml.matchAll(/\/Customer\/([^/"]+)\/CustomerAccount\/(\d+)\/CustomerAgreement/g)].flatMap(
    ([, customer = '', account = '']) => [customer, account],
  )
  return [...new Set([...texts, ...texts.map((text) => text.replaceAll('&amp;', '&')), ...ids])]
}
