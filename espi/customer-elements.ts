/**
 * Elements of customer feeds: what PG&E's retail customer schemas (2018-03-15 click-through, 2018-08-02) name, as leaf paths below
 * each payload. Elements of later editions of the standard that mean the same are named beside them.
 */

const under = (prefixes: string | readonly string[], leaves: string | readonly string[]): string[] =>
  [prefixes].flat().flatMap((prefix) => words(leaves).map((leaf) => `${prefix}/${leaf}`))

const words = (leaves: string | readonly string[]): readonly string[] =>
  typeof leaves === 'string' ? leaves.split(/\s+/) : leaves

const identified = ['name', ...under('batchItemInfo', 'name operation statusCode statusReason')]
const status = (name: string) => under(name, 'value dateTime remark reason')
const electronicAddress = under('electronicAddress', 'lan mac email1 email2 web radio userID password')
const phones = under(
  ['phone1', 'phone2'],
  'countryCode areaCode cityCode localNumber extension ext dialOut internationalPrefix ituPhone',
)
const address = (names: readonly string[]) =>
  under(names, [
    ...under(
      'streetDetail',
      `number name suffix prefix type code buildingName suiteNumber addressGeneral addressGeneral2 addressGeneral3
      withinTownLimits`,
    ),
    ...under('townDetail', 'code section name county stateOrProvince country'),
    ...status('status'),
    'postalCode',
    'poBox',
  ])
const organisation = [...identified, ...address(['streetAddress', 'postalAddress']), ...phones, ...electronicAddress]
const organisationRole = [...identified, ...under('Organisation', [...organisation, 'organisationName'])]
const document = [
  ...identified,
  ...words('type authorName createdDateTime lastModifiedDateTime revisionNumber subject title comment'),
  ...electronicAddress,
  ...status('docStatus'),
  ...status('status'),
]
const measurement = (name: string) => under(name, 'powerOfTenMultiplier timeStamp uom value readingTypeRef')
const endDevice = [
  ...identified,
  ...words('type utcNumber serialNumber lotNumber purchasePrice critical initialCondition initialLossOfLife'),
  ...electronicAddress,
  ...under('lifecycle', 'manufacturedDate purchaseDate receivedDate installationDate removalDate retiredDate'),
  ...under('acceptanceTest', 'type success dateTime'),
  ...status('status'),
  ...words('isVirtual isPan installCode amrSystem'),
]
const positions = ['PositionPoints', 'positionPoints']
const dateCodes = under(['programDateIdMapping', 'ProgramDateIdMapping'], 'programDateType code name note')

/** Payload → leaves. */
export const customerElements: Readonly<Record<string, readonly string[]>> = {
  Customer: [
    ...organisationRole,
    ...words('customerName kind specialNeed vip pucNumber locale'),
    ...status('status'),
    ...under('priority', 'rank type justification'),
  ],
  CustomerAccount: [
    ...document,
    ...words('accountId billingCycle budgetBill lastBillAmount'),
    ...under('notifications', 'methodKind time note customerNotificationKind'),
    ...under('contactInfo', [...organisation, 'organisationName']),
  ],
  CustomerAgreement: [
    ...document,
    ...words('agreementId signDate validityInterval/duration validityInterval/start loadMgmt isPrePay shutOffDateTime'),
    ...words('PricingStructures currency extension/serviceVoltage'),
    ...under('DemandResponseProgram', [
      ...words('programName enrollmentStatus programDescription'),
      ...under('programDate', 'programDate programDateDescription'),
      ...measurement('capacityReservationLevel'),
      ...measurement('DRProgramNomination'),
    ]),
    ...status('futureStatus'),
  ],
  ServiceLocation: [
    ...identified,
    ...words('type geoInfoReference direction accessMethod siteAccessProblem needsInspection outageBlock'),
    ...address(['mainAddress', 'secondaryAddress']),
    ...phones,
    ...electronicAddress,
    ...status('status'),
    ...under(positions, 'xPosition yPosition zPosition'),
    'UsagePoints/UsagePoint',
  ],
  EndDevice: endDevice,
  Meter: [...endDevice, 'formNumber', ...under('MeterMultipliers', 'kind value'), 'intervalLength'],
  ServiceSupplier: [...organisationRole, ...words('kind issuerIdentificationNumber effectiveDate')],
  ProgramDateIdMappings: [...identified, ...dateCodes],
  TimeConfiguration: [...identified, ...words('dstEndRule dstOffset dstStartRule tzOffset')],
}
