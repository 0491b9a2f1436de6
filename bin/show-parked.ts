/** `meterlake loads`: packages that wait for an operator, printed, tried anew or given up. */
import { MeterlakeError } from '../schemas/errors.ts'
import type { Config } from '../schemas/config.ts'
import type { Format } from './command-context.ts'
import { orderParked, type ParkedPackage, readOperatorWork } from './parked-packages.ts'
import { exitCodes } from './report-error.ts'
import { formatRows, writeAll } from './row-format.ts'
import { connectRunning } from './running-temporal.ts'

const columns = ['id', 'feed', 'code', 'since', 'deadline'].map((name) => ({ name, type: 'VARCHAR' }))

export const parkedFacts = ({ workflowId, feed, code, since, deadlineAt }: ParkedPackage) => ({
  id: workflowId,
  feed,
  code,
  since: since.toISOString(),
  deadline: deadlineAt?.toISOString() ?? null,
})

/** Prints them, oldest first; answers 3 where there are any. */
export async function showParked(config: Config, format: Format): Promise<number> {
  await using temporal = await connectRunning(config)
  const parked = await readOperatorWork(temporal.client)
  const rows = parked.map((one) => Object.values(parkedFacts(one)))
  if (format !== 'table' || rows.length > 0) await writeAll(process.stdout, formatRows(format, columns, [rows]))
  else console.log('nothing is parked')
  return parked.length > 0 ? exitCodes.incomplete : exitCodes.done
}

/** Gives an order for packages named by id (or its unambiguous beginning or end), or for all that are parked. Throws USAGE, TEMPORAL_UNAVAILABLE. */
export async function orderPackages(
  config: Config,
  order: 'retry' | 'abandon',
  ids: readonly string[],
  all: boolean,
): Promise<void> {
  if (all === ids.length > 0) throw new MeterlakeError('USAGE', 'name packages by id, or --all')
  await using temporal = await connectRunning(config)
  const { client } = temporal
  const parked = all || ids.some((id) => !id.startsWith('resource/')) ? await readOperatorWork(client, false) : []
  const wanted = all ? parked.map(({ workflowId }) => workflowId) : ids.map((id) => fullId(id, parked))
  for (const workflowId of wanted) {
    await orderParked(client, order, workflowId)
    console.error(`${workflowId}: ${order === 'retry' ? 'tried anew' : 'given up'}`)
  }
}

function fullId(id: string, parked: readonly ParkedPackage[]): string {
  if (id.startsWith('resource/')) return id
  const found = parked.filter(({ workflowId }) => workflowId.includes(id))
  const [only] = found
  if (only !== undefined && found.length === 1) return only.workflowId
  throw new MeterlakeError('USAGE', `${found.length} parked packages are called ${id}: see meterlake loads parked`)
}
