/** Collects garbage in a process of its own, to be killed: `node gc-child.ts LAKE PII GRACE_MS`; a line for every file that is gone. */
import { collectGarbage } from '../../warehouse/collect-garbage.ts'

const [, , lake = '', pii = '', graceMs = ''] = process.argv
const { files } = await collectGarbage({
  roots: { lake, pii },
  graceMs: Number(graceMs),
  dryRun: false,
  onRemove: (done) => void process.stdout.write(`${done}\n`),
})
process.stdout.write(`all ${files.length}\n`)
