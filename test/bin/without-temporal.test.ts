/** Roles that listen to the utility while Temporal is away from the start: they go on listening, and stop when they are asked to. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { stringify } from 'smol-toml'
import { expect, test } from 'vitest'
import { cli } from '../../bench/cli.ts'
import { createNotifier, renderBatchList } from '../../sim/batch-list.ts'
import { certificatePaths } from '../../sim/certificates.ts'
import { freePort } from '../support/free-port.ts'
import { openIngestSite } from '../support/ingest-site.ts'

test.concurrent.each(['webhook', 'up'])('meterlake %s', { timeout: 120_000 }, async (role) => {
  await using site = await openIngestSite()
  const [port, nobody] = [await freePort(), await freePort()]
  const settings = site.config(`127.0.0.1:${nobody}`)
  const path = join(site.folder, 'away.toml')
  await writeFile(path, stringify({ ...settings, webhook: { ...settings.webhook, listen: `127.0.0.1:${port}` } }))

  const [program, ...args] = cli
  const child = spawn(program, [...args, role, '--config', path], { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(child, 'exit')
  try {
    const said: string[] = []
    createInterface({ input: child.stderr }).on('line', (line) => said.push(line))
    const away = () => said.some((line) => line.includes('Temporal is away') && line.includes('TEMPORAL_UNAVAILABLE'))
    await expect.poll(away, { timeout: 90_000 }).toBe(true)
    await using sender = createNotifier(certificatePaths(join(site.folder, 'certificates')))
    const answer = await sender.post(`https://localhost:${port}/notify`, renderBatchList([]))
    expect(answer).toEqual({ status: 200, error: null })
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  } finally {
    child.kill('SIGKILL')
    await exited
  }
})
