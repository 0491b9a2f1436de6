/** PricingStructures of an agreement: references whose last segment is a rate schedule or a rate option. */

/** Rate options by their letters and digits alone, upper case: as Share My Data lists them. */
const options: Readonly<Record<string, string>> = {
  CARE: 'CARE',
  FERA: 'FERA',
  MEDICALBASELINE: 'MEDICAL_BASELINE',
  MEDBASELINE: 'MEDICAL_BASELINE',
  TBS: 'TBS',
  CCATBS: 'CCA_TBS',
  SOLARCHOICE: 'SOLAR_CHOICE',
  STANDBY: 'STANDBY',
  ONSITEGENERATION: 'ON_SITE_GENERATION',
  NEM: 'NEM',
  NEM2: 'NEM2',
  NBT: 'NBT',
}
const generation = new Set(['ON_SITE_GENERATION', 'NEM', 'NEM2', 'NBT'])

/** A text that says something of health or income is no rate schedule, however it is written. */
const sensitive = /CARE|FERA|MED(?:ICAL|BASE)|BASELINE/

export interface Pricing {
  /** The first that is no option. */
  readonly tariff: string | null
  /** In order, each once. */
  readonly options: readonly string[]
  /** True: an option says so; null: none does. */
  readonly hasGeneration: true | null
}

/** What an agreement's PricingStructures say. */
export function readPricing(structures: readonly string[]): Pricing {
  let tariff: string | null = null
  const found = new Set<string>()
  for (const text of structures) {
    const name = text.slice(text.lastIndexOf('/') + 1)
    const letters = name.toUpperCase().replaceAll(/%20|[^A-Z0-9]/g, '')
    const option = options[letters]
    if (option !== undefined) found.add(option)
    else if (sensitive.test(letters)) found.add(name)
    else tariff ??= name
  }
  return {
    tariff,
    options: [...found],
    hasGeneration: [...found].some((option) => generation.has(option)) ? true : null,
  }
}
