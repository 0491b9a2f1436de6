/** Registers our search attributes with a Temporal server. */
import type { Connection } from '@temporalio/client'
import { searchAttributes } from '../schemas/orchestration.ts'

/** Values of temporal.api.enums.v1.IndexedValueType. */
const indexedValueType = { KEYWORD: 2, DATETIME: 6 } as const

/**
 * Adds what of `searchAttributes` the namespace lacks. On Temporal Cloud and where the operator service is closed to us they are
 * registered by the operator beforehand (docs/temporal): that refusal surfaces as the server's own error.
 */
export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace })
  const missing = Object.entries(searchAttributes).filter(([name]) => !(name in customAttributes))
  if (missing.length === 0) return
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, indexedValueType[type]])),
  })
}
