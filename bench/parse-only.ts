/** Yardstick: saxes reads the file with namespaces and counts IntervalReadings; nothing is extracted or written. */
import { createReadStream } from 'node:fs'
import { SaxesParser } from 'saxes'

const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('usage: parse-only.ts FEED')
const parser = new SaxesParser({ xmlns: true, position: false })
let readings = 0
parser.on('error', (error) => {
  throw error
})
parser.on('opentag', (tag) => {
  if (tag.local === 'IntervalReading') readings += 1
})
for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 18 }))
  parser.write(chunk as string)
parser.close()
console.log(readings)
