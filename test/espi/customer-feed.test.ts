/** Customer feeds: the real samples value by value, and what the schemas name beyond them. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { dateKind } from '../../espi/customer-agreement.ts'
import { readPricing } from '../../espi/pricing-structure.ts'
import { personalTables, type PersonalTable } from '../../schemas/tables-personal.ts'
import { collect } from '../support/collecting-sink.ts'
import { reading } from '../support/small-feed.ts'
import { sharedPath } from '../support/shared.ts'

const pge = 'https://api.pge.com/GreenButtonConnect/espi/1_1/resource'
const samples = sharedPath('espi/samples')
const read = (feed: string | Uint8Array, identity: 'id' | 'path' = 'id', chunks = [1 << 20]) =>
  collect(reading({ timeZone: 'America/Los_Angeles', usagePointIdentity: identity }), feed, chunks)
const sent = (row: object | undefined) =>
  Object.fromEntries(Object.entries(row ?? {}).filter(([, value]) => value !== null))

const agreementPath = 'RetailCustomer/9/Customer/C/CustomerAccount/A/CustomerAgreement/U'
const entry = (self: string, payload: string, published = '2026-01-02T03:04:05Z') =>
  `<a:entry><a:link rel="self" href="${pge}/${self}"/><a:published>${published}</a:published><a:content>${payload}</a:content></a:entry>`
const feed = (entries: string, { ns = 'http://naesb.org/espi/customer', link = 'BulkRetailCustomerInfo' } = {}) =>
  `<a:feed xmlns:a="http://www.w3.org/2005/Atom" xmlns:x="http://other.example" xmlns="${ns}"><a:link rel="self" href="${pge}/Batch/${link}/1"/>${entries}</a:feed>`

describe.skipIf(samples === undefined)('samples', () => {
  test("PG&E's retail customer, every value", () => {
    const { rows, summary } = read(readFileSync(`${samples}/pge-batch-retailcustomer.xml`), 'id', [1, 7, 64])
    const root = `${pge}/RetailCustomer/92772/Customer/MjYyNjk0MDkxMA==`
    const common = {
      customer_id: 'MjYyNjk0MDkxMA==',
      retail_customer_id: '92772',
      published_at: '2019-11-13T00:48:00.849000Z',
    }
    const agreement = `${root}/CustomerAccount/4872715821/CustomerAgreement/9760620582`
    const below = { agreement_id: '9760620582', usage_point_id: '9760620582' }
    expect(rows.drift).toEqual([])
    expect(summary).toMatchObject({ kind: 'customer', quarantined: 0 })
    expect(rows.customer.map(sent)).toEqual([
      { table: 'customer', ...common, href: root, name: 'ACME INDUSTRIES', byte_offset: 695 },
    ])
    expect(rows.customer_account.map(sent)).toEqual([
      {
        table: 'customer_account',
        ...common,
        href: `${root}/CustomerAccount/4872715821`,
        account_id: '4872715821',
        account_number: '1687340014',
        byte_offset: 2868,
      },
    ])
    expect(rows.customer_agreement.map(sent)).toEqual([
      {
        table: 'customer_agreement',
        ...common,
        ...below,
        href: agreement,
        account_id: '4872715821',
        service_agreement_number: '1112392222',
        customer_class: 'AGR',
        doc_status: 'Active',
        sign_at: '2013-08-15T07:00:00.000000Z',
        published_at: '2016-03-30T04:42:54.099000Z',
        byte_offset: 3775,
      },
    ])
    expect(rows.service_location.map(sent)).toEqual([
      {
        table: 'service_location',
        ...common,
        ...below,
        href: `${agreement}/ServiceLocation/ODg5NDU5MDcwNQ==`,
        location_id: 'ODg5NDU5MDcwNQ==',
        service_address: '1 EXAMPLE RD',
        service_city: 'KING CITY',
        service_state: 'CA',
        service_zip: '95101',
        byte_offset: 1504,
      },
    ])
    expect(rows.meter.map(sent)).toEqual([
      {
        table: 'meter',
        ...common,
        ...below,
        href: `${agreement}/ServiceLocation/ODg5NDU5MDcwNQ==/Meter/1121183459`,
        location_id: 'ODg5NDU5MDcwNQ==',
        meter_id: '1121183459',
        device: 'Meter',
        meter_type: 'EMTR 12S/XP/CL200/3W/5Dials',
        serial_number: '1121183459',
        interval_length_s: 900,
        published_at: '2019-11-13T00:48:00.851000Z',
        byte_offset: 4695,
      },
    ])
  })

  test("the Green Button Alliance's: organisation, links with types, published after content", () => {
    const { rows } = read(readFileSync(`${samples}/gba-customer-subscription-feed.xml`), 'path')
    expect(rows.drift).toEqual([])
    expect(rows.customer.map(sent)).toMatchObject([
      {
        customer_id: 'RetailCustomer/test-customer-id/Customer/test-customer-number',
        kind: 'residential',
        status: 'active',
        street_address: '123 Test Street',
        street_city: 'Test City',
        street_zip: '12345-6789',
        street_po_box: 'N/A',
        published_at: '2025-01-01T00:00:00.000000Z',
      },
    ])
  })
})

const agreement = `<CustomerAgreement><name>1</name><type>COM/IND</type><docStatus><value>Active</value><dateTime>1600000000</dateTime></docStatus>
  <electronicAddress><userID>ada</userID><password>hush</password></electronicAddress>
  <DemandResponseProgram><programName>P</programName><enrollmentStatus>enrolled</enrollmentStatus>
    <programDate><programDate>1600000000</programDate><programDateDescription>CUST_DR_PROGRAM_ENROLLMENT_DATE</programDateDescription></programDate>
    <programDate><programDate>253402243200</programDate><programDateDescription>CUST_DR_PROGRAM_TERM_DATE_WITHOUT_FINANCIAL</programDateDescription></programDate>
    <programDate><programDate>1700000000</programDate><programDateDescription>X9</programDateDescription></programDate>
    <DRProgramNomination><value>12</value><powerOfTenMultiplier>3</powerOfTenMultiplier><uom>38</uom></DRProgramNomination></DemandResponseProgram>
  <DemandResponseProgram><programName>P</programName><enrollmentStatus>maybe</enrollmentStatus></DemandResponseProgram>
  <PricingStructures>http://x/HB19S</PricingStructures><PricingStructures>http://x/CARE</PricingStructures><PricingStructures>http://x/NEM2</PricingStructures>
  <signDate>-1000000000</signDate><isPrePay>1</isPrePay><currency>840</currency>
  <futureStatus><value>Closing</value><dateTime>1800000000</dateTime><reason>MOVE</reason></futureStatus>
  <futureStatus><value>Closed</value></futureStatus><x:news>y</x:news></CustomerAgreement>`

describe.each(['http://naesb.org/espi/customer', 'http://naesb.org/espi'])('payloads in %s', (ns) => {
  test('an agreement with options, pending changes and programs', () => {
    const { rows } = read(feed(entry(agreementPath, agreement), { ns }))
    expect(sent(rows.customer_agreement[0])).toMatchObject({
      agreement_id: 'U',
      usage_point_id: 'U',
      customer_class: 'COM/IND',
      tariff: 'HB19S',
      rate_options: '["CARE","NEM2"]',
      net_generation: true,
      sign_at: '1938-04-24T22:13:20.000000Z',
      is_prepay: true,
      currency: 840,
      future_status: 'Closing',
      future_status_reason: 'MOVE',
      future_statuses: '[{"value":"Closing","dateTime":"1800000000","reason":"MOVE"},{"value":"Closed"}]',
      doc_status_at: '2020-09-13T12:26:40.000000Z',
      other: '{"electronicAddress/userID":"ada","{http://other.example}news":"y"}',
    })
    expect(rows.demand_response_program.map(sent)).toMatchObject([
      {
        program_name: 'P',
        occurrence: 1,
        n_occurrences: 2,
        enrollment_status: 'enrolled',
        enrolled_at: '2020-09-13T12:26:40.000000Z',
        end_without_at: '9999-12-31T00:00:00.000000Z',
        nomination_value: 12,
        nomination_power_of_ten: 3,
        nomination_uom: 38,
        dates: expect.stringContaining('{"description":"X9","at":"2023-11-14T22:13:20.000000Z"}') as string,
      },
      { program_name: 'P', occurrence: 2, enrollment_status: 'maybe' },
    ])
    expect(rows.drift.map(({ kind, name }) => `${kind} ${name.split('/').at(-1)}`).sort()).toEqual([
      'code EnrollmentStatus not in its list',
      'element other.example}news',
    ])
    expect(JSON.stringify(rows)).not.toContain('hush')
  })
})

test('rows have the columns of their tables, but those the warehouse adds', () => {
  const { rows } = read(
    feed(
      entry('RetailCustomer/9/Customer/C', '<Customer/>') +
        entry('RetailCustomer/9/Customer/C/CustomerAccount/A', '<CustomerAccount/>') +
        entry(agreementPath, agreement) +
        entry(`${agreementPath}/ServiceLocation/L`, '<ServiceLocation/>') +
        entry(`${agreementPath}/ServiceLocation/L/EndDevice/M`, '<EndDevice/>') +
        entry('ServiceSupplier/S', '<ServiceSupplier><kind>lse</kind></ServiceSupplier>') +
        entry(
          'ProgramDateIdMappings/1',
          '<ProgramDateIdMappings><programDateIdMapping><programDateType>T</programDateType><code>X9</code><name>n</name></programDateIdMapping></ProgramDateIdMappings>',
        ),
    ),
  )
  for (const table of Object.keys(personalTables) as PersonalTable[]) {
    const columns = personalTables[table].fields
      .map(({ name }) => name)
      .filter((name) => !/^(?:load_id|commit_id|\w+_key)$/.test(name))
    expect([table, Object.keys(rows[table][0] ?? {}).toSorted()]).toEqual([table, ['table', ...columns].toSorted()])
  }
})

test('a feed of programs says nothing of agreements', () => {
  const { rows } = read(feed(entry(agreementPath, agreement), { link: 'BulkRetailDRPrgInfo' }))
  expect(rows.customer_agreement).toEqual([])
  expect(rows.demand_response_program).toHaveLength(2)
})

test('a bad value or no identity costs the entry, and the message does not repeat it', () => {
  const bad = '<CustomerAgreement><signDate>Ada Lovelace</signDate></CustomerAgreement>'
  const { rows, summary } = read(
    feed(entry(agreementPath, bad) + entry('Nothing/1', '<Customer><name>Ada</name></Customer>')),
  )
  expect(summary.quarantined).toBe(2)
  expect(rows.quarantine.map(({ rule }) => rule)).toEqual(['VALUE_MALFORMED', 'CUSTOMER_UNIDENTIFIED'])
  expect(rows.quarantine.map(({ message, path }) => message + path).join()).not.toContain('Ada')
  expect([...rows.customer, ...rows.customer_agreement]).toEqual([])
})

test('pricing structures: the first that is no option is the tariff; nothing of health or income ever is', () => {
  expect(readPricing(['u/CCA_TBS', 'u/HETOUC', 'u/Medical%20Baseline'])).toEqual({
    tariff: 'HETOUC',
    options: ['CCA_TBS', 'MEDICAL_BASELINE'],
    hasGeneration: null,
  })
  expect(readPricing(['u/E-TOU-C-CARE-20'])).toEqual({
    tariff: null,
    options: ['E-TOU-C-CARE-20'],
    hasGeneration: null,
  })
})

test.each([
  ['Enrollment Date', 'ENROLLMENT_DATE'],
  ['CUST_DR_PROGRAM_DE_ENROLLMENT_DATE', 'DE_ENROLLMENT_DATE'],
  ['earliest end without regard to financial obligation', 'TERM_DATE_REGARDLESS_FINANCIAL'],
  ['earliest end with regard to financial obligation', 'TERM_DATE_WITHOUT_FINANCIAL'],
  ['X9', null],
])('%s is %s', (description, kind) => expect(dateKind(description)).toBe(kind))
