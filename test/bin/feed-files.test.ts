import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findFeedFiles, saveStdin } from '../../bin/feed-files.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meterlake-files-'))
  await mkdir(join(folder, 'deep'))
  for (const name of ['b.xml', 'a.xml', 'deep/c.xml', '[odd].xml']) await writeFile(join(folder, name), name)
})
afterEach(() => rm(folder, { recursive: true }))

const names = async (...patterns: string[]) =>
  (await findFeedFiles(patterns.map((pattern) => join(folder, pattern)))).map(({ name }) => name)

test('paths keep their order, patterns are sorted, each file comes once', async () => {
  expect(await names('b.xml', 'a.xml', 'b.xml')).toEqual(['b.xml', 'a.xml'])
  expect(await names('b.xml', '**/*.xml')).toEqual(['b.xml', '[odd].xml', 'a.xml', 'c.xml'])
})

test('a file whose name looks like a pattern is itself', async () => {
  expect(await names('[odd].xml')).toEqual(['[odd].xml'])
})

test.each([
  ['no.xml', 'there is no file'],
  ['*.json', 'nothing matches'],
  ['deep', 'is a folder'],
])('%s: %s', async (pattern, message) => {
  await expect(names(pattern)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(message) as string,
  })
})

test('stdin becomes a private file that is gone afterwards', async () => {
  let path: string
  {
    await using file = await saveStdin(join(folder, 'incoming'), Readable.from(['<feed', '/>']))
    ;({ path } = file)
    expect(await readFile(path, 'utf8')).toBe('<feed/>')
    expect(file).toMatchObject({ name: 'stdin', bytes: 7 })
    expect((await stat(path)).mode & 0o077).toBe(0)
  }
  await expect(stat(path)).rejects.toThrow('ENOENT')
})
