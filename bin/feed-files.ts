/** Which files a command line names: paths, quoted patterns, `-` for stdin. */
import { createWriteStream } from 'node:fs'
import { glob, mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { MeterlakeError } from '../schemas/errors.ts'

export interface FeedFile {
  /** Absolute path. */
  readonly path: string
  /** How the ledger and the summary name it. */
  readonly name: string
  readonly bytes: number
}

/** Paths and patterns as existing files, each once, in the order given; what a pattern finds is sorted. Throws USAGE. */
export async function findFeedFiles(patterns: readonly string[]): Promise<FeedFile[]> {
  const found = new Map<string, FeedFile>()
  for (const pattern of patterns) for (const file of await matches(pattern)) found.set(file.path, file)
  return [...found.values()]
}

async function matches(pattern: string): Promise<FeedFile[]> {
  const path = resolve(pattern)
  const at = await stat(path).catch(() => undefined)
  if (at?.isDirectory())
    throw new MeterlakeError('USAGE', `${pattern} is a folder; name the files in it, e.g. '${join(pattern, '*.xml')}'`)
  if (at) return [{ path, name: basename(path), bytes: at.size }]
  if (!/[*?[{]/.test(pattern)) throw new MeterlakeError('USAGE', `there is no file ${pattern}`)
  const paths: string[] = []
  for await (const match of glob(pattern)) paths.push(resolve(match))
  const files: FeedFile[] = []
  for (const match of paths.sort()) {
    const facts = await stat(match)
    if (facts.isFile()) files.push({ path: match, name: basename(match), bytes: facts.size })
  }
  if (files.length === 0) throw new MeterlakeError('USAGE', `nothing matches ${pattern}`)
  return files
}

/** Stdin as a file in a folder of its own (0700), which is removed when disposed of. */
export async function saveStdin(folder: string, input: NodeJS.ReadableStream): Promise<FeedFile & AsyncDisposable> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const own = await mkdtemp(join(folder, 'stdin-'))
  const path = join(own, 'feed')
  const dispose = () => rm(own, { recursive: true, force: true })
  try {
    await pipeline(input, createWriteStream(path, { mode: 0o600 }))
    return { path, name: 'stdin', bytes: (await stat(path)).size, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}
