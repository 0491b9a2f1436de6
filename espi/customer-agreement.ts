/** A CustomerAgreement entry → a row of table customer_agreement, and one per demand-response program. */
import type { FeedRow } from '../schemas/feed-rows.ts'
import { documentColumns, instantOf, jsonList, objectsOf } from './contact-columns.ts'
import { countUnlisted } from './customer.ts'
import type { CustomerLinks } from './customer-links.ts'
import type { Drift } from './drift.ts'
import type { ContentPayload } from './leaf-record.ts'
import { readPricing } from './pricing-structure.ts'

const program = 'DemandResponseProgram'
const enrollments: ReadonlySet<string> = new Set(['unenrolled', 'enrolled', 'enrolledPending'])

/**
 * The rows. An entry of a demand-response feed says nothing of the agreement but its programs: it must not stand for a version of it,
 * so what else it holds is kept with each program.
 */
export function readCustomerAgreement(
  links: CustomerLinks,
  agreement_id: string,
  payload: ContentPayload,
  drift: Drift,
  isProgramFeed: boolean,
): FeedRow[] {
  const programs = payload.take(program)
  const beside = payload.leaves.some(({ name }) => name !== 'name' && !name.startsWith(`${program}/`))
  const saysAgreement = !isProgramFeed && (programs.length === 0 || beside)
  // the agreement's own name: its row of the customer feed has it
  if (!saysAgreement) payload.texts('name')
  const agreement = saysAgreement ? [agreementRow(links, agreement_id, payload)] : []
  return [...agreement, ...programRows(links, agreement_id, programs, saysAgreement ? null : payload.other(), drift)]
}

function agreementRow(links: CustomerLinks, agreement_id: string, payload: ContentPayload): FeedRow {
  const structures = payload.texts('PricingStructures')
  const pricing = readPricing(structures)
  const changes = objectsOf(payload, 'futureStatus')
  const [next] = payload.take('futureStatus')
  return {
    table: 'customer_agreement',
    ...links.columns,
    agreement_id,
    account_id: links.of('CustomerAccount'),
    usage_point_id: links.usagePointId,
    service_agreement_number: payload.text('name') ?? payload.text('agreementId'),
    customer_class: payload.text('type'),
    sign_at: instantOf(payload, 'signDate'),
    valid_from_at: instantOf(payload, 'validityInterval/start'),
    valid_duration_s: payload.integer('validityInterval/duration', 'int48'),
    tariff: pricing.tariff,
    rate_options: jsonList(pricing.options),
    pricing_structures: jsonList(structures),
    net_generation: pricing.hasGeneration,
    service_voltage: payload.text('extension/serviceVoltage'),
    load_mgmt: payload.text('loadMgmt'),
    is_prepay: payload.flag('isPrePay'),
    shut_off_at: instantOf(payload, 'shutOffDateTime'),
    currency: payload.integer('currency'),
    future_status: next?.text('value') ?? null,
    future_status_at: next === undefined ? null : instantOf(next, 'dateTime'),
    future_status_reason: next?.text('reason') ?? null,
    future_statuses: jsonList(changes),
    ...documentColumns(payload),
    other: payload.other(),
  }
}

function programRows(
  links: CustomerLinks,
  agreement_id: string,
  programs: readonly ContentPayload[],
  beside: string | null,
  drift: Drift,
): FeedRow[] {
  const named = programs.map((sent) => ({ sent, name: sent.text('programName') ?? '' }))
  const ordinals = new Map<string, number>()
  return named.map(({ sent, name }) => {
    const occurrence = (ordinals.get(name) ?? 0) + 1
    ordinals.set(name, occurrence)
    const enrollment_status = sent.text('enrollmentStatus')
    countUnlisted(drift, 'EnrollmentStatus', enrollments, enrollment_status, sent.at)
    const dates = sent
      .children('programDate')
      .map((date) => ({ description: date.text('programDateDescription'), at: instantOf(date, 'programDate') }))
    const dateOf = (kind: DateKind) =>
      dates.find(({ description }) => description !== null && dateKind(description) === kind)?.at ?? null
    return {
      table: 'demand_response_program',
      ...links.columns,
      agreement_id,
      usage_point_id: links.usagePointId,
      program_name: name,
      occurrence,
      n_occurrences: named.filter((each) => each.name === name).length,
      enrollment_status,
      program_description: sent.text('programDescription'),
      enrolled_at: dateOf('ENROLLMENT_DATE'),
      unenrolled_at: dateOf('DE_ENROLLMENT_DATE'),
      end_regardless_at: dateOf('TERM_DATE_REGARDLESS_FINANCIAL'),
      end_without_at: dateOf('TERM_DATE_WITHOUT_FINANCIAL'),
      dates: jsonList(dates),
      ...measurement(sent, 'capacityReservationLevel', 'capacity_reservation'),
      ...measurement(sent, 'DRProgramNomination', 'nomination'),
      other: bothOf(sent.other(), beside),
    } as const
  })
}

type DateKind =
  | 'ENROLLMENT_DATE'
  | 'DE_ENROLLMENT_DATE'
  | 'TERM_DATE_REGARDLESS_FINANCIAL'
  | 'TERM_DATE_WITHOUT_FINANCIAL'

/** What a description means by itself: a ProgramDateKind, or plain words. A code of ProgramDateIdMappings is looked up in the views. */
export function dateKind(description: string): DateKind | null {
  const letters = description.toUpperCase().replaceAll(/[^A-Z]/g, '')
  if (/(?:UN|DE|DIS)ENROLL/.test(letters)) return 'DE_ENROLLMENT_DATE'
  if (letters.includes('ENROLL')) return 'ENROLLMENT_DATE'
  if (letters.includes('REGARD') && !letters.includes('WITHREGARD')) return 'TERM_DATE_REGARDLESS_FINANCIAL'
  if (/WITHREGARD|WITHOUT(?:ANY)?FINANCIAL/.test(letters)) return 'TERM_DATE_WITHOUT_FINANCIAL'
  return null
}

const measurement = (payload: ContentPayload, element: string, column: string) => ({
  [`${column}_value`]: payload.integer(`${element}/value`, 'int48'),
  [`${column}_power_of_ten`]: payload.integer(`${element}/powerOfTenMultiplier`, 'int16'),
  [`${column}_uom`]: payload.integer(`${element}/uom`),
})

const bothOf = (own: string | null, beside: string | null): string | null =>
  own === null || beside === null
    ? (own ?? beside)
    : JSON.stringify({ ...(JSON.parse(beside) as object), ...(JSON.parse(own) as object) })
