/** Publishes what is staged, as a process of its own: `node publish-once.ts LAKE PII`. */
import { publishStaged } from '../warehouse/publish.ts'
import { timeZone } from './staged-fleet.ts'

const [, , lake = '', pii = ''] = process.argv
await publishStaged({ roots: { lake, pii }, timeZone })
