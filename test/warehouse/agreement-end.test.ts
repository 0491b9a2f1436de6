/** What the entry of a service agreement says of its end. */
import { expect, test } from 'vitest'
import { agreementEnd } from '../../warehouse/agreement-end.ts'

const [march, april, may] = [
  '2026-03-01T08:00:00.000Z',
  '2026-04-01T07:00:00.000Z',
  '2026-05-01T07:00:00.000Z',
] as const

test.each([
  [{ doc_status: 'Active', doc_status_at: march }, null, null],
  [{ doc_status: 'Closed', doc_status_at: march }, true, march],
  [{ doc_status: 'CLOSED' }, true, null],
  [{ doc_status: 'Inactive', doc_status_at: null }, true, null],
  [{ doc_status: 'Active', future_status: 'Closing', future_status_at: april }, null, april],
  [{ doc_status: 'Active', future_status: 'Rate change', future_status_at: april }, null, null],
  [{ valid_from_at: march, valid_duration_s: 31 * 86_400 - 3600 }, null, april],
  [{ valid_from_at: march, valid_duration_s: 0 }, null, null],
  [{ valid_from_at: march, valid_duration_s: null }, null, null],
  [{ valid_from_at: march, valid_duration_s: 140_737_488_355_327 }, null, null],
  // the earliest of several
  [
    { future_status: 'closing', future_status_at: may, valid_from_at: march, valid_duration_s: 31 * 86_400 - 3600 },
    null,
    april,
  ],
  [{ doc_status: 'Disclosed', doc_status_at: march }, null, null],
] as const)('%j', (row, is_closed, ended_at) => {
  expect(agreementEnd(row)).toEqual({ is_closed, ended_at })
})
