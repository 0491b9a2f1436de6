/**
 * HTTPS with one of two client certificates: a replacement takes the utility days, so the second stands ready beside the first.
 * Files are read again on `reload`; requests under way end on the connection they began on.
 */
import { isMeterlakeError, MeterlakeError } from '../schemas/errors.ts'
import { type CertificateFiles, type LoadedCertificate, loadCertificate } from './certificate.ts'
import { type HttpPool, type HttpTimeouts, openHttp } from './http.ts'
import type { Log } from './log.ts'

export interface RenewableHttp extends HttpPool {
  /** SHA-256 of the certificate in use. */
  readonly fingerprint: string
  /** Reads all files again; a changed certificate counts from the next request on. Throws as `openRenewableHttp`; then the old ones stay. */
  reload(): Promise<void>
  /**
   * The custodian refused the certificate in use: the other one is used from now on. False where there is none that it has not
   * refused; the next round begins with the first again, as a registration may have been mended.
   */
  switchCertificate(): boolean
}

export interface RenewableHttpOptions {
  /** In order of preference. */
  readonly certificates: readonly CertificateFiles[]
  readonly timeouts: HttpTimeouts
  readonly log: Log
  readonly now: () => Date
}

interface Candidate {
  readonly certificate: LoadedCertificate
  readonly http: HttpPool
}

/**
 * Loads every certificate and uses the first that is valid now. Throws CONFIG_INVALID where a file is wrong, CERTIFICATE_REFUSED
 * where none is valid.
 */
export async function openRenewableHttp(options: RenewableHttpOptions): Promise<RenewableHttp> {
  const { timeouts, log, now } = options
  let candidates = (await loadAll(options)).map((certificate) => open(certificate, timeouts))
  let refused = new Set<string>()

  const inUse = (): Candidate => {
    const valid = candidates.filter(({ certificate }) => certificate.notAfter > now())
    const chosen = valid.find(({ certificate }) => !refused.has(certificate.fingerprint)) ?? valid[0]
    if (chosen !== undefined) return chosen
    const message = `no client certificate is valid any more: ${options.certificates.map(({ cert }) => cert).join(', ')}`
    throw new MeterlakeError('CERTIFICATE_REFUSED', message)
  }

  return {
    get fingerprint() {
      return inUse().certificate.fingerprint
    },
    send: async (request) => inUse().http.send(request),
    prepare: async (url, what, signal) => inUse().http.prepare(url, what, signal),
    async reload() {
      const loaded = await loadAll(options)
      const before = candidates
      candidates = loaded.map(
        (certificate) =>
          before.find((candidate) => sameFiles(candidate.certificate, certificate)) ?? open(certificate, timeouts),
      )
      refused = new Set()
      const gone = before.filter((candidate) => !candidates.includes(candidate))
      for (const { http } of gone) http.retire().catch(() => {})
      if (gone.length > 0) log.info({ certificate: short(inUse()) }, 'custodian: client certificate reloaded')
    },
    switchCertificate() {
      refused.add(inUse().certificate.fingerprint)
      const next = inUse()
      if (refused.has(next.certificate.fingerprint)) {
        refused = new Set()
        return false
      }
      log.warn(
        { certificate: short(next) },
        'custodian: the certificate was refused, the other one is used from now on',
      )
      return true
    },
    retire: async () => {
      await Promise.all(candidates.map(async ({ http }) => http.retire()))
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(candidates.map(async ({ http }) => http[Symbol.asyncDispose]()))
    },
  }
}

const open = (certificate: LoadedCertificate, timeouts: HttpTimeouts): Candidate => ({
  certificate,
  http: openHttp(certificate, timeouts),
})

const short = ({ certificate }: Candidate): string => certificate.fingerprint.slice(0, 12)

const sameFiles = (one: LoadedCertificate, other: LoadedCertificate): boolean =>
  one.tls.cert === other.tls.cert && one.tls.key === other.tls.key && one.tls.ca === other.tls.ca

/** All that are valid now; of several, one that is expired or not valid yet is left out. */
async function loadAll({ certificates, now, log }: RenewableHttpOptions): Promise<readonly LoadedCertificate[]> {
  const loaded: LoadedCertificate[] = []
  let outOfTime: MeterlakeError | undefined
  for (const files of certificates) {
    try {
      loaded.push(await loadCertificate(files, now()))
    } catch (error) {
      if (!isMeterlakeError(error) || error.code !== 'CERTIFICATE_REFUSED') throw error
      outOfTime = error
      log.warn({ cert: files.cert }, 'custodian: a client certificate is not valid now')
    }
  }
  if (loaded.length === 0 && outOfTime !== undefined) throw outOfTime
  return loaded
}
