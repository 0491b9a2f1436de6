/**
 * Code lists of NAESB ESPI (REQ.21) as Share My Data uses them. All ESPI enumerations are open unions: an unlisted code is
 * legal, is kept as it came, and is counted as drift.
 */

/** 1 delivered to the customer; 19 received from the customer, an absolute value; 4 net, delivered minus received. */
export const flowDirections = {
  0: 'none',
  1: 'forward',
  2: 'lagging',
  3: 'leading',
  4: 'net',
  5: 'q1plusQ2',
  7: 'q1plusQ3',
  8: 'q1plusQ4',
  9: 'q1minusQ4',
  10: 'q2plusQ3',
  11: 'q2plusQ4',
  12: 'q2minusQ3',
  13: 'q3plusQ4',
  14: 'q3minusQ2',
  15: 'quadrant1',
  16: 'quadrant2',
  17: 'quadrant3',
  18: 'quadrant4',
  19: 'reverse',
  20: 'total',
  21: 'totalByPhase',
} as const

export const commodities = {
  0: 'none',
  1: 'electricity SecondaryMetered',
  2: 'electricity PrimaryMetered',
  3: 'communication',
  4: 'air',
  5: 'insulativeGas',
  6: 'insulativeOil',
  7: 'naturalGas',
  8: 'propane',
  9: 'potableWater',
  10: 'steam',
  11: 'wasteWater',
  12: 'heatingFluid',
  13: 'coolingFluid',
  14: 'nonpotableWater',
  15: 'nox',
  16: 'so2',
  17: 'ch4',
  18: 'co2',
  19: 'carbon',
  20: 'hch',
  21: 'pfc',
  22: 'sf6',
  23: 'tvLicence',
  24: 'internet',
  25: 'refuse',
} as const

/** UnitSymbolKind: name of the unit, as `unit` in core.interval. */
export const unitSymbols = {
  0: 'none',
  5: 'A',
  23: 'degC',
  27: 's',
  29: 'V',
  31: 'J',
  33: 'Hz',
  38: 'W',
  42: 'm3',
  61: 'VA',
  63: 'VAr',
  65: 'cosTheta',
  71: 'VAh',
  72: 'Wh',
  73: 'VArh',
  80: 'money',
  106: 'Ah',
  108: 'timeStamp',
  111: 'count',
  119: 'ft3',
  120: 'ft3compensated',
  128: 'usGal',
  130: 'imperialGal',
  132: 'btu',
  133: 'btuPerH',
  134: 'litre',
  156: 'litreUncompensated',
  157: 'litreCompensated',
  159: 'min',
  160: 'h',
  166: 'm3uncompensated',
  167: 'm3compensated',
  169: 'therm',
} as const

export const qualities = {
  0: { meaning: 'valid: passed all checks', class: 'VALID' },
  7: { meaning: 'manually edited', class: 'EDITED' },
  8: { meaning: 'estimated using a reference day', class: 'ESTIMATED' },
  9: { meaning: 'estimated using linear interpolation', class: 'ESTIMATED' },
  10: { meaning: 'questionable: failed one or more checks', class: 'SUSPECT' },
  11: { meaning: 'derived', class: 'OTHER' },
  12: { meaning: 'projected (forecast)', class: 'OTHER' },
  13: { meaning: 'mixed', class: 'OTHER' },
  14: { meaning: 'raw: not validated (final for MV-90 meters)', class: 'RAW' },
  15: { meaning: 'normalized for weather', class: 'OTHER' },
  16: { meaning: 'other', class: 'OTHER' },
  17: { meaning: 'validated, maybe edited or estimated by approved procedure', class: 'VEE' },
  18: { meaning: 'verified: failed a check, judged actual', class: 'ACTUAL_OVERRIDE' },
  19: { meaning: 'revenue quality (PG&E extension of ESPI)', class: 'REVENUE' },
} as const

/** Best to worst; where a reading carries several codes the worst is in force. Codes that are not listed are worse than all. */
export const qualityOrder = [19, 0, 18, 17, 7, 14, 11, 13, 16, 15, 9, 8, 12, 10] as const

/** `quality_source` of core.interval by its stored code. */
export const qualitySources = { 0: 'none', 1: 'reading', 2: 'block', 3: 'default' } as const

/** Why `energy_kwh` is what it is; 0 is the only rule under which energy is present. */
export const energyRules = {
  0: 'exact',
  1: 'not an energy in Wh',
  2: 'register reading, not an interval quantity',
  3: 'demand or power, not energy',
  4: 'power of ten not sent',
  5: 'not exactly representable as DECIMAL(18,9) kWh',
  6: 'unit of measure not sent',
  7: 'ReadingType in conflict',
} as const

/** accumulationBehaviour of registers: bulkQuantity, continuousCumulative, cumulative. Scaled, never summed as energy. */
export const registerAccumulations = [1, 2, 3] as const

/** MeasurementKind of demand and power. Scaled, never summed as energy. */
export const demandKinds = [8, 37] as const

export const serviceKinds = {
  0: 'electricity',
  1: 'gas',
  2: 'water',
  3: 'time',
  4: 'heat',
  5: 'refuse',
  6: 'sewerage',
  7: 'rates',
  8: 'tvLicence',
  9: 'internet',
} as const

export const lineItemKinds = {
  1: 'energy generation fee',
  2: 'energy delivery fee',
  3: 'energy usage fee',
  4: 'administrative fee',
  5: 'tax',
  6: 'energy generation credit',
  7: 'energy delivery credit',
  8: 'administrative credit',
  9: 'payment',
  10: 'information',
} as const

/** Int48 of ESPI: the range of value, amount and cost. */
export const int48 = { min: -140_737_488_355_328, max: 140_737_488_355_327 } as const
