/** The TOU dictionary that ends every feed (domain.md 4.6): code = place, from 1. */
export const touNames = [
  { name: 'SPK', note: 'Summer Peak' },
  { name: 'SOP', note: 'Summer Off Peak' },
  { name: 'SPP', note: 'Summer Partial Peak' },
  { name: 'WPK', note: 'Winter Peak' },
  { name: 'WPP', note: 'Winter Partial Peak' },
  { name: 'WOP', note: 'Winter Off Peak' },
  { name: 'MPK', note: 'Spring Peak' },
  { name: 'MOP', note: 'Spring Off Peak' },
  { name: 'MXO', note: 'Spring Super Off Peak' },
  { name: 'WSO', note: 'Winter Super Off Peak' },
] as const
