/**
 * The one interface between the warehouse and where its files rest. A folder now; S3-compatible storage later, where
 * `putIfAbsent` is `If-None-Match: *` and `publish` is a PUT of a local file.
 */
import { randomBytes } from 'node:crypto'
import {
  chmod,
  copyFile,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
} from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { LakeRoots } from '../schemas/load-process.ts'
import { isAlive } from './live-process.ts'
import { folders } from './paths.ts'
import { guarded } from './storage-error.ts'

/** A local folder for work in progress, removed when disposed of. */
export interface Scratch extends AsyncDisposable {
  /** Absolute path. */
  readonly path: string
  /** Absolute path of a file in it. */
  file(name: string): string
}

/** A file as it rests. */
export interface StoredFile {
  /** Relative to the root. */
  readonly path: string
  readonly bytes: number
  /** When its content was written, ms since 1970. */
  readonly writtenMs: number
}

/** Files by relative path. All writes are durable (fsynced) when they return; failures are LAKE_NOT_WRITABLE or LAKE_DISK_FULL. */
export interface Storage {
  /** Absolute path or URL of the root. */
  readonly root: string
  /** What the engine reads a file by: absolute. */
  locate(path: string): string
  /** Creates a file with this content, whole or not at all; false where it exists already, which is left alone. */
  putIfAbsent(path: string, content: string | Uint8Array): Promise<boolean>
  /** The content, undefined where there is no such file. */
  get(path: string): Promise<Buffer | undefined>
  /** Size in bytes, undefined where there is no such file. */
  size(path: string): Promise<number | undefined>
  /** Paths of all files below a folder, sorted; none where it does not exist. */
  list(folder: string): Promise<string[]>
  /** All files below the root with their facts, those half written among them, sorted by path; none where it does not exist. */
  inventory(): Promise<StoredFile[]>
  /** Removes a file or a folder with all in it; nothing happens where there is none. */
  remove(path: string): Promise<void>
  /** Removes a folder where it is empty. */
  removeEmpty(folder: string): Promise<void>
  /** Whether another absolute path of a root leads to this one. */
  isAt(root: string): Promise<boolean>
  /** A fresh local folder on which `publish` is a rename. */
  scratch(): Promise<Scratch>
  /** Moves a complete local file to its place, replacing what is there in one step. Answers its size. */
  publish(localFile: string, path: string): Promise<number>
  /** Puts a complete local file, which stays and never changes, at a path as well; false where there is a file already, which is left alone. */
  adopt(localFile: string, path: string): Promise<boolean>
}

/** fsync of a file or a folder. */
async function sync(path: string): Promise<void> {
  await using handle = await open(path, 'r')
  await handle.sync()
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')

const hasCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)

class FolderStorage implements Storage {
  readonly root: string
  readonly #folderMode: number
  readonly #fileMode: number

  constructor(root: string, isPrivate: boolean) {
    this.root = root
    this.#folderMode = isPrivate ? 0o700 : 0o755
    this.#fileMode = isPrivate ? 0o600 : 0o644
  }

  locate(path: string): string {
    return join(this.root, path)
  }

  async putIfAbsent(path: string, content: string | Uint8Array): Promise<boolean> {
    const target = this.locate(path)
    return await guarded(target, async () => {
      await this.#mkdir(dirname(target))
      const aside = join(dirname(target), `.${randomBytes(8).toString('hex')}.tmp`)
      try {
        {
          await using handle = await open(aside, 'wx', this.#fileMode)
          await handle.writeFile(content)
          await handle.sync()
        }
        // link fails where the name is taken: the file appears whole, and only once
        await link(aside, target)
      } catch (error) {
        if (hasCode(error, 'EEXIST')) return false
        throw error
      } finally {
        await unlink(aside).catch(() => undefined)
      }
      await sync(dirname(target))
      return true
    })
  }

  async get(path: string): Promise<Buffer | undefined> {
    try {
      return await readFile(this.locate(path))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  async size(path: string): Promise<number | undefined> {
    try {
      return (await stat(this.locate(path))).size
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  async list(folder: string): Promise<string[]> {
    const base = this.locate(folder)
    try {
      const entries = await readdir(base, { recursive: true, withFileTypes: true })
      return entries
        .filter((entry) => entry.isFile() && !entry.name.endsWith('.tmp'))
        .map((entry) => relative(this.root, join(entry.parentPath, entry.name)))
        .sort()
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  }

  async inventory(): Promise<StoredFile[]> {
    const entries = await readdir(this.root, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return []
      throw error
    })
    const files: StoredFile[] = []
    for (const entry of entries) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      // gone meanwhile: whoever made it has removed it
      const facts = await stat(path).catch(() => undefined)
      if (facts) files.push({ path: relative(this.root, path), bytes: facts.size, writtenMs: facts.mtimeMs })
    }
    return files.sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  async remove(path: string): Promise<void> {
    const target = this.locate(path)
    await guarded(target, () => rm(target, { recursive: true, force: true }))
  }

  async removeEmpty(folder: string): Promise<void> {
    await rmdir(this.locate(folder)).catch(() => undefined)
  }

  async isAt(root: string): Promise<boolean> {
    if (root === this.root) return true
    const [here, there] = await Promise.all([this.root, root].map((path) => stat(path).catch(() => undefined)))
    return here !== undefined && there !== undefined && here.dev === there.dev && here.ino === there.ino
  }

  async scratch(): Promise<Scratch> {
    const base = this.locate(folders.scratch)
    const path = join(base, `${process.pid}-${randomBytes(4).toString('hex')}`)
    await guarded(path, async () => {
      await this.#mkdir(base)
      await sweep(base)
      await this.#mkdir(path)
    })
    return {
      path,
      file: (name) => join(path, name),
      [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
    }
  }

  async publish(localFile: string, path: string): Promise<number> {
    const target = this.locate(path)
    return await guarded(target, async () => {
      await this.#mkdir(dirname(target))
      await using handle = await open(localFile, 'r+')
      await handle.chmod(this.#fileMode)
      await handle.sync()
      const { size } = await handle.stat()
      try {
        await rename(localFile, target)
      } catch (error) {
        if (!hasCode(error, 'EXDEV')) throw error
        await this.#copyAside(localFile, target)
        await unlink(localFile)
      }
      await sync(dirname(target))
      return size
    })
  }

  async adopt(localFile: string, path: string): Promise<boolean> {
    const target = this.locate(path)
    return await guarded(target, async () => {
      await this.#mkdir(dirname(target))
      try {
        await link(localFile, target)
      } catch (error) {
        if (hasCode(error, 'EEXIST')) return false
        if (!hasCode(error, 'EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP')) throw error
        await this.#copyAside(localFile, target)
      }
      await sync(dirname(target))
      return true
    })
  }

  /** Where a file system ends: copied beside its place, then renamed. */
  async #copyAside(localFile: string, target: string): Promise<void> {
    const aside = join(dirname(target), `.${randomBytes(8).toString('hex')}.tmp`)
    try {
      await copyFile(localFile, aside)
      await sync(aside)
      await chmod(aside, this.#fileMode)
      await rename(aside, target)
    } finally {
      await rm(aside, { force: true })
    }
  }

  /** mkdir -p, durable: a new folder is an entry of its parent. */
  async #mkdir(path: string): Promise<void> {
    const first = await mkdir(path, { recursive: true, mode: this.#folderMode })
    if (first === undefined) return
    for (let at = path; at.length >= first.length; at = dirname(at)) await sync(dirname(at))
  }
}

/** Removes what dead processes of this machine left behind. */
async function sweep(base: string): Promise<void> {
  for (const name of await readdir(base)) {
    const pid = Number(name.split('-')[0])
    if (Number.isInteger(pid) && !isAlive(pid)) await rm(join(base, name), { recursive: true, force: true })
  }
}

/** Storage in a folder, created at the first write; `isPrivate`: folders 0700, files 0600. */
export function openFolder(root: string, options: { readonly isPrivate: boolean }): Storage {
  return new FolderStorage(root, options.isPrivate)
}

/** The lake's folder and that of personal data. */
export const openRoots = (roots: LakeRoots): { readonly lake: Storage; readonly pii: Storage } => ({
  lake: openFolder(roots.lake, { isPrivate: false }),
  pii: openFolder(roots.pii, { isPrivate: true }),
})
