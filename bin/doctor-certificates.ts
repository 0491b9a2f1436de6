/** The part of doctor that looks at certificates, without asking anybody. */
import { checkServerIdentity } from 'node:tls'
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type CertificateFiles, loadCertificate } from '../custodian/certificate.ts'
import { type CertificateFacts, readCertificateFacts } from '../custodian/certificate-facts.ts'
import type { Config, CustodianConfig, WebhookConfig } from '../schemas/config.ts'
import { daysUntil } from './certificate-days.ts'
import { clientCertificates, webhookCertificate } from './certificate-files.ts'
import { attempt, type Check, fail, failureOf, ok, warn } from './doctor-check.ts'

/** A replacement takes the utility's portal several days: warned of early. */
const warnDays = 60
const alarmDays = 30

/** Authorities PG&E lists, as they and their successors call themselves. */
const listedAuthority = /addtrust|comodo|sectigo|digicert|entrust|globalsign|go ?daddy|usertrust|verisign/i

/** Our client certificates and the webhook's: key, form, chain, days. */
export async function checkCertificates({ custodian, webhook }: Config, now: Date): Promise<Check[]> {
  return [
    ...(custodian === undefined ? [] : await checkClient(custodian, now)),
    ...(webhook === undefined ? [] : await checkWebhook(webhook, now)),
  ]
}

async function checkClient(custodian: CustodianConfig, now: Date): Promise<Check[]> {
  const { certificate, nextCertificate } = clientCertificates(custodian)
  const renewal = 'Order a new one now, register it in the portal and put it into custodian.certificate.next.'
  const nextLeft =
    nextCertificate === undefined
      ? undefined
      : await readCertificateFacts(nextCertificate.cert, custodian.ca).then(
          ({ notAfter }) => daysUntil(notAfter, now),
          () => undefined,
        )
  const first = await checkOne('client certificate', certificate, custodian, now, (days) => {
    if (nextLeft === undefined || nextLeft <= alarmDays) return expiry('client certificate days', days, renewal)
    const what = `${Math.floor(days)} days left; the next one stands ready with ${Math.floor(nextLeft)}`
    return days > alarmDays
      ? ok('client certificate days', what)
      : warn('client certificate days', what, 'Register the next one, if the portal does not have it yet.')
  })
  if (nextCertificate === undefined) return first
  const second = await checkOne('next client certificate', nextCertificate, custodian, now, (days) =>
    expiry('next client certificate days', days, renewal),
  )
  return [...first, ...second]
}

async function checkOne(
  name: string,
  files: CertificateFiles,
  { ca, profile }: CustodianConfig,
  now: Date,
  judgeDays: (days: number) => Check,
): Promise<Check[]> {
  let facts: CertificateFacts
  try {
    facts = await readCertificateFacts(files.cert, ca)
  } catch (error) {
    return [failureOf(name, error)]
  }
  return [
    await checkKey(`${name} key`, files, now),
    checkForm(`${name} form`, facts),
    checkChain(`${name} chain`, facts, profile),
    judgeDays(daysUntil(facts.notAfter, now)),
  ]
}

const checkKey = async (name: string, files: CertificateFiles, now: Date): Promise<Check> =>
  attempt(name, async () => {
    await loadCertificate(files, now)
    return ok(name, 'belongs to the certificate')
  })

function checkForm(name: string, { keyType, rsaBits, signature, selfSigned }: CertificateFacts): Check {
  const what = `${keyType}${rsaBits === null ? '' : ` ${rsaBits}`}, ${signature}`
  const next = 'Order one that is X.509 with RSA 2048 or longer and SHA-2, from a listed authority.'
  if (selfSigned) return fail(name, `${what}, self-signed`, next)
  if (rsaBits === null || rsaBits < 2048) return fail(name, `${what}: RSA of 2048 bits or more is asked for`, next)
  return /sha-?(?:224|256|384|512)|pss/i.test(signature)
    ? ok(name, what)
    : fail(name, `${what}: SHA-2 is asked for`, next)
}

function checkChain(name: string, { anchor }: CertificateFacts, profile: string): Check {
  if (anchor === null) {
    const next = 'Append the intermediate certificates of your authority to the file, leaf first.'
    return fail(name, 'does not lead to a known authority', next)
  }
  if (anchor.kind === 'given') return ok(name, `leads to ${anchor.name} of custodian.ca`)
  if (profile !== 'pge' || listedAuthority.test(anchor.name)) return ok(name, `leads to ${anchor.name}`)
  return warn(
    name,
    `leads to ${anchor.name}, which the utility does not list`,
    'Ask the utility whether it is accepted.',
  )
}

function expiry(name: string, days: number, next: string): Check {
  const left = days < 0 ? `expired ${Math.ceil(-days)} days ago` : `${Math.floor(days)} days left`
  if (days <= alarmDays) return fail(name, left, next)
  return days <= warnDays ? warn(name, left, next) : ok(name, left)
}

async function checkWebhook(webhook: WebhookConfig, now: Date): Promise<Check[]> {
  const files = webhookCertificate(webhook)
  const name = 'webhook certificate'
  const leaf = async () => new X509Certificate(await readFile(files.cert))
  const pins = webhook.client_fingerprints.length
  return [
    await checkKey(`${name} key`, files, now),
    await attempt(`${name} days`, async () =>
      expiry(
        `${name} days`,
        daysUntil((await leaf()).validToDate, now),
        'Renew it; the running webhook reads it again by itself.',
      ),
    ),
    ...(webhook.url === undefined
      ? []
      : [await attempt(`${name} name`, async () => checkName(await leaf(), webhook.url ?? ''))]),
    pins > 0
      ? ok('webhook sender', `${pins} pinned`)
      : warn(
          'webhook sender',
          'any certificate of webhook.client_ca',
          "Pin the utility's certificate in webhook.client_fingerprints.",
        ),
  ]
}

function checkName(leaf: X509Certificate, url: string): Check {
  const { hostname } = new URL(url)
  const wrong = checkServerIdentity(hostname, leaf.toLegacyObject())
  const next = 'Use a certificate whose names cover the host of the notification URI.'
  return wrong === undefined
    ? ok('webhook certificate name', hostname)
    : fail('webhook certificate name', `does not name ${hostname}`, next)
}
