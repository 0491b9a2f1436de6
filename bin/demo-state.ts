/** Which simulated day comes next: `<lake>/state/demo.json`. It moves on when a day is in the lake, so an interrupted one is repeated. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { folders } from '../warehouse/paths.ts'

const demoStateSchema = z.object({
  format: z.literal(1),
  seed: z.int(),
  /** Operating day to ingest, `YYYY-MM-DD`. */
  nextDay: z.iso.date(),
  /** Port of the simulated custodian: URLs of an interrupted run stay valid. */
  port: z.int().nonnegative(),
  /** Notification under way, whose workflow an interrupted run left behind. */
  notificationId: z.string().nullable(),
})

export type DemoState = z.infer<typeof demoStateSchema>

/** The day before the clocks go back: the second day of a new lake has 25 hours. */
export const firstDay = '2026-10-31'

const initial: DemoState = { format: 1, seed: 1, nextDay: firstDay, port: 0, notificationId: null }
const pathOf = (lake: string) => join(lake, folders.state, 'demo.json')

/** The state of a lake's demo; of a lake without one (or with one that cannot be read), the first day. */
export async function readDemoState(lake: string): Promise<DemoState> {
  try {
    return demoStateSchema.parse(JSON.parse(await readFile(pathOf(lake), 'utf8')))
  } catch {
    return initial
  }
}

export async function writeDemoState(lake: string, state: DemoState): Promise<void> {
  const path = pathOf(lake)
  await mkdir(join(lake, folders.state), { recursive: true })
  await writeFile(`${path}.${process.pid}`, `${JSON.stringify(state, null, 2)}\n`)
  await rename(`${path}.${process.pid}`, path)
}
