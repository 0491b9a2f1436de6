/** Payloads of a customer feed → their rows, when their entry has ended. */
import type { FeedReaderOptions, FeedRow, FeedSink } from '../schemas/feed-rows.ts'
import { readCustomerAgreement } from './customer-agreement.ts'
import { type CustomerLinks, customerLinks } from './customer-links.ts'
import { countUnlisted, readCustomer, readCustomerAccount, readServiceSupplier } from './customer.ts'
import type { Drift } from './drift.ts'
import type { Entry } from './entry.ts'
import { formatInstant } from './instant-text.ts'
import { type ContentPayload, LeafError } from './leaf-record.ts'
import { readMeter, readServiceLocation } from './service-location.ts'

const dateKinds: ReadonlySet<string> = new Set(
  ['ENROLLMENT_DATE', 'DE_ENROLLMENT_DATE', 'TERM_DATE_REGARDLESS_FINANCIAL', 'TERM_DATE_WITHOUT_FINANCIAL'].map(
    (kind) => `CUST_DR_PROGRAM_${kind}`,
  ),
)

/** The resource each payload is: the last of its names that its links hold. */
const resourceNames: Readonly<Record<string, readonly string[]>> = {
  Customer: ['Customer'],
  CustomerAccount: ['CustomerAccount'],
  CustomerAgreement: ['CustomerAgreement'],
  ServiceLocation: ['ServiceLocation'],
  Meter: ['Meter', 'EndDevice'],
  EndDevice: ['EndDevice', 'Meter'],
  ServiceSupplier: ['ServiceSupplier'],
}

export class CustomerRows {
  /** True: the feed is one of demand-response programs (BulkRetailDRPrgInfo). */
  isProgramFeed = false
  readonly #sink: FeedSink
  readonly #options: FeedReaderOptions
  readonly #drift: Drift

  constructor(sink: FeedSink, options: FeedReaderOptions, drift: Drift) {
    this.#sink = sink
    this.#options = options
    this.#drift = drift
  }

  /** Emits the rows of a payload, or rejects its entry; `content` is the path of atom:content. */
  read(entry: Entry, payload: ContentPayload, content: string): void {
    const path = `${content}/${payload.kind}`
    try {
      const published_at = Number.isNaN(entry.publishedAt_us) ? null : formatInstant(entry.publishedAt_us)
      for (const row of this.#rowsOf(entry, payload, path))
        this.#sink.row({ ...row, published_at, byte_offset: entry.at } as FeedRow)
    } catch (error) {
      if (!(error instanceof LeafError)) throw error
      entry.rejectWhole(error.rule, `${path}/${error.leaf}`, error.message)
    }
  }

  #rowsOf(entry: Entry, payload: ContentPayload, path: string): readonly FeedRow[] {
    if (payload.kind === 'ProgramDateIdMappings') return readProgramDateCodes(payload, this.#drift)
    const names = resourceNames[payload.kind]
    if (names === undefined) return []
    const links = customerLinks(entry, this.#options.usagePointIdentity)
    const id = names.map((name) => links?.of(name) ?? null).find((found) => found !== null)
    if (links === null || id === undefined || id === null) {
      entry.rejectWhole('CUSTOMER_UNIDENTIFIED', path, `its links name no ${names[0]}`)
      return []
    }
    return this.#rowsAbout(links, id, payload)
  }

  #rowsAbout(links: CustomerLinks, id: string, payload: ContentPayload): readonly FeedRow[] {
    switch (payload.kind) {
      case 'Customer':
        return [readCustomer(links, id, payload, this.#drift)]
      case 'CustomerAccount':
        return [readCustomerAccount(links, id, payload)]
      case 'CustomerAgreement':
        return readCustomerAgreement(links, id, payload, this.#drift, this.isProgramFeed)
      case 'ServiceLocation':
        return [readServiceLocation(links, id, payload, this.#options.usagePointIdentity)]
      case 'ServiceSupplier':
        return [readServiceSupplier(links, id, payload, this.#drift)]
      default:
        return [readMeter(links, id, payload)]
    }
  }
}

function readProgramDateCodes(payload: ContentPayload, drift: Drift): FeedRow[] {
  return ['programDateIdMapping', 'ProgramDateIdMapping'].flatMap((element) =>
    payload.children(element).map((mapping) => {
      const program_date_type = mapping.text('programDateType')
      const code = mapping.text('code')
      if (program_date_type === null || code === null)
        throw new LeafError('PROGRAM_MAPPING_INCOMPLETE', element, 'a mapping without type or code')
      countUnlisted(drift, 'ProgramDateKind', dateKinds, program_date_type, payload.at)
      return {
        table: 'program_date_code',
        code,
        program_date_type,
        name: mapping.text('name'),
        note: mapping.text('note'),
      } as const
    }),
  )
}
