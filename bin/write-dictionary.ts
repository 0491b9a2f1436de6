/** `npm run dictionary`: writes docs/data-dictionary.md. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dataDictionary } from '../warehouse/data-dictionary.ts'

const dir = await mkdtemp(join(tmpdir(), 'meterlake-dictionary-'))
try {
  const text = await dataDictionary({ lake: join(dir, 'lake'), pii: join(dir, 'pii') })
  await writeFile(new URL('../docs/data-dictionary.md', import.meta.url), text)
} finally {
  await rm(dir, { recursive: true, force: true })
}
