/** A folder for the engine's spills where the lake may be read only: outside of it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Scratch } from './storage.ts'

/** A fresh folder in the system's place for temporary files, removed when disposed of. Nothing personal belongs there. */
export async function openLocalScratch(): Promise<Scratch> {
  const path = await mkdtemp(join(tmpdir(), 'meterlake-sql-'))
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}
