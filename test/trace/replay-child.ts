/** Publishes a rebuilt lake in a process of its own, to be killed: `node replay-child.ts LAKE PII BUILT_LAKE BUILT_PII`; says `ready` before it begins. */
import { readNewestManifest } from '../../warehouse/manifest.ts'
import { publishReplay } from '../../warehouse/publish-replay.ts'
import { openRoots } from '../../warehouse/storage.ts'

const [, , lake = '', pii = '', builtLake = '', builtPii = ''] = process.argv
const roots = { lake, pii }
const built = { lake: builtLake, pii: builtPii }
const rebuilt = await readNewestManifest(openRoots(built).lake)
const replayed = (await readNewestManifest(openRoots(roots).lake))?.n ?? 0
if (!rebuilt) throw new Error('nothing was rebuilt')
process.stdout.write('ready\n')
const n = await publishReplay({ roots, built, rebuilt, replayed, version: 'test', now: () => new Date() })
process.stdout.write(`commit ${n}\n`)
