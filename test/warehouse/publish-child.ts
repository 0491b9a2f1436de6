/** Publishes in a process of its own, to be killed: `node publish-child.ts LAKE PII`; says `ready` before it begins. */
import { publishStaged } from '../../warehouse/publish.ts'
import { timeZone } from '../support/stage-feed.ts'

const [, , lake = '', pii = ''] = process.argv
process.stdout.write('ready\n')
const { commit } = await publishStaged({
  roots: { lake, pii },
  timeZone,
  limits: { batchRows: 100, fileRows: 1_000_000 },
})
process.stdout.write(`commit ${commit}\n`)
