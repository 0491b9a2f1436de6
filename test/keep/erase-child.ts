/** Publishes a prepared erasure in a process of its own, to be killed: `node erase-child.ts FILE`, which holds it as JSON; says `ready` before it begins. */
import { readFile } from 'node:fs/promises'
import { publishErasure } from '../../warehouse/publish-erasure.ts'
import { keyOf, type PreparedErasure } from './erased.ts'

const [, , file = ''] = process.argv
const prepared = JSON.parse(await readFile(file, 'utf8')) as PreparedErasure
const key = await keyOf(prepared.roots)
process.stdout.write('ready\n')
const n = await publishErasure({ ...prepared, key })
process.stdout.write(`commit ${n}\n`)
