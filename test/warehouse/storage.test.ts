import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openFolder, openRoots } from '../../warehouse/storage.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'meterlake-storage-'))
})
afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})

describe('a folder as storage', () => {
  test('a file is created once, whole, and by one of many', async () => {
    const storage = openFolder(join(root, 'lake'), { isPrivate: false })
    const won = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => await storage.putIfAbsent('manifests/000000000001.json', `by ${n}`)),
    )
    expect(won.filter(Boolean)).toHaveLength(1)
    expect((await storage.get('manifests/000000000001.json'))?.toString()).toBe(`by ${won.indexOf(true)}`)
    expect(await storage.list('manifests')).toEqual(['manifests/000000000001.json'])
  })

  test('publish moves a file and replaces what is there', async () => {
    const storage = openFolder(root, { isPrivate: false })
    await using scratch = await storage.scratch()
    for (const text of ['one', 'three']) {
      await writeFile(scratch.file('views'), text)
      expect(await storage.publish(scratch.file('views'), 'views.duckdb')).toBe(text.length)
      expect((await storage.get('views.duckdb'))?.toString()).toBe(text)
    }
    expect(existsSync(scratch.file('views'))).toBe(false)
  })

  test('adopt puts a file at a second place, once, and leaves it where it was', async () => {
    const one = openFolder(join(root, 'one'), { isPrivate: false })
    const other = openFolder(join(root, 'other'), { isPrivate: false })
    await one.putIfAbsent('raw/ab/x.json', 'as it was')
    expect(await other.adopt(one.locate('raw/ab/x.json'), 'raw/ab/x.json')).toBe(true)
    await one.putIfAbsent('raw/ab/y.json', 'another')
    expect(await other.adopt(one.locate('raw/ab/y.json'), 'raw/ab/x.json')).toBe(false)
    expect((await other.get('raw/ab/x.json'))?.toString()).toBe('as it was')
    expect(await one.list('raw')).toEqual(['raw/ab/x.json', 'raw/ab/y.json'])
    await other.remove('raw')
    expect((await one.get('raw/ab/x.json'))?.toString()).toBe('as it was')
  })

  test.skipIf(!existsSync('/dev/shm'))('adopt copies where a file system ends', async () => {
    const elsewhere = await mkdtemp(join('/dev/shm', 'meterlake-storage-'))
    try {
      await writeFile(join(elsewhere, 'x'), 'far away', { mode: 0o644 })
      const pii = openFolder(join(root, 'pii'), { isPrivate: true })
      expect(await pii.adopt(join(elsewhere, 'x'), 'raw/x')).toBe(true)
      expect((await pii.get('raw/x'))?.toString()).toBe('far away')
      expect(await pii.list('raw')).toEqual(['raw/x'])
    } finally {
      await rm(elsewhere, { recursive: true })
    }
  })

  test('a private root is closed to others, folders and files', async () => {
    const { pii } = openRoots({ lake: join(root, 'lake'), pii: join(root, 'pii') })
    await pii.putIfAbsent('raw/ab/x.json', '{}')
    await using scratch = await pii.scratch()
    await writeFile(scratch.file('body'), 'names', { mode: 0o666 })
    await pii.publish(scratch.file('body'), 'raw/ab/body.xml.zst')
    const modes = await Promise.all(
      ['', 'raw', 'raw/ab', 'raw/ab/x.json', 'raw/ab/body.xml.zst', 'state/scratch'].map(
        async (path) => (await stat(pii.locate(path))).mode & 0o777,
      ),
    )
    expect(modes).toEqual([0o700, 0o700, 0o700, 0o600, 0o600, 0o700])
  })

  test('scratch is gone when disposed of, and what a dead process left is swept', async () => {
    const storage = openFolder(root, { isPrivate: false })
    const dead = spawnSync(process.execPath, ['-e', '']).pid
    await mkdir(storage.locate(`state/scratch/${dead}-0badf00d`), { recursive: true })
    let path: string
    {
      await using scratch = await storage.scratch()
      await using other = await storage.scratch()
      path = scratch.path
      expect(existsSync(path) && existsSync(other.path)).toBe(true)
      expect(existsSync(storage.locate(`state/scratch/${dead}-0badf00d`))).toBe(false)
    }
    expect(existsSync(path)).toBe(false)
  })

  test('what is missing is undefined, empty or no matter', async () => {
    const storage = openFolder(join(root, 'nowhere'), { isPrivate: false })
    expect(await storage.get('views.duckdb')).toBeUndefined()
    expect(await storage.size('views.duckdb')).toBeUndefined()
    expect(await storage.list('staging')).toEqual([])
    await storage.remove('staging/x')
  })

  test('a file where the lake should be: LAKE_NOT_WRITABLE names the path and the next step', async () => {
    await writeFile(join(root, 'lake'), 'not a folder')
    const storage = openFolder(join(root, 'lake'), { isPrivate: false })
    await expect(storage.putIfAbsent('manifests/000000000001.json', '{}')).rejects.toMatchObject({
      code: 'LAKE_NOT_WRITABLE',
      message: expect.stringContaining(join(root, 'lake')),
    })
    await expect(storage.scratch()).rejects.toMatchObject({ code: 'LAKE_NOT_WRITABLE' })
    expect(await readFile(join(root, 'lake'), 'utf8')).toBe('not a folder')
  })

  test.skipIf(process.getuid?.() === 0)('a folder we may not write to', async () => {
    await chmod(root, 0o500)
    await expect(openFolder(root, { isPrivate: false }).scratch()).rejects.toMatchObject({ code: 'LAKE_NOT_WRITABLE' })
    await chmod(root, 0o700)
  })
})
