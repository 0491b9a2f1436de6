import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { faultNames } from '../../sim/fault-catalogue.ts'
import { configSchema } from '../../schemas/config.ts'
import { parse } from 'smol-toml'
import { all, entriesIn, scan, textAt } from './feed-scan.ts'

const directory = mkdtempSync(join(tmpdir(), 'meterlake-sim-cli-'))
const cli = fileURLToPath(new URL('../../bin/cli.ts', import.meta.url))
const run = (...args: readonly string[]) =>
  promisify(execFile)(process.execPath, [cli, 'sim', ...args], { cwd: directory })

afterAll(() => rmSync(directory, { recursive: true }))

test.each([
  ['daily', '2'],
  ['backfill', '3'],
])('sim feed writes the %s form and what is true of it, the same twice', async (form, mb) => {
  const args = ['feed', '--form', form, '--mb', mb, '--seed', '5', '--out', 'feed.xml', '--truth', 'truth.json']
  await run(...args)
  const xml = readFileSync(join(directory, 'feed.xml'), 'utf8')
  const truth = JSON.parse(readFileSync(join(directory, 'truth.json'), 'utf8')) as Record<string, unknown>
  const readings = entriesIn(scan(xml)).flatMap(({ payload }) => all(payload, 'IntervalReading'))
  const sum = readings.reduce((total, reading) => total + BigInt(textAt(reading, 'value') ?? 0), 0n)
  expect(truth).toMatchObject({
    file_bytes: xml.length,
    rows: readings.length,
    value_sum: String(sum),
    seed: 5,
    parked: 0,
  })
  expect(xml.length).toBeGreaterThan(Number(mb) * 0.9e6)
  await run(...args)
  expect(readFileSync(join(directory, 'feed.xml'), 'utf8') === xml).toBe(true)
})

test('wrong use is exit code 2', async () => {
  await expect(run('feed', '--out', 'x.xml', '--mb', '3')).rejects.toMatchObject({ code: 2 })
  await expect(run('feed', '--out', 'x.xml', '--day', '2026-02-30')).rejects.toMatchObject({ code: 2 })
  await expect(run('--fault', 'explode')).rejects.toMatchObject({ code: 2 })
  await expect(run('--corrects-one-in', '0')).rejects.toMatchObject({ code: 2 })
  await expect(run('day', '2026-11-03', '--certs', 'nowhere')).rejects.toMatchObject({ code: 2 })
})

test('sim --help has a line for every fault', async () => {
  const { stdout } = await run('--help')
  for (const name of faultNames) expect(stdout).toMatch(new RegExp(`^  ${name}(?:\\[=N\\])? +\\S`, 'm'))
})

test('sim runs until it is told to stop; sim day speaks to it; its configuration is one meterlake reads', async () => {
  const args = [
    cli,
    'sim',
    '--port',
    '0',
    '--meters',
    '20',
    '--day',
    '2026-11-03',
    '--certs',
    'certs',
    '--fault',
    'lost@2',
    '--faults',
    'faults.json',
    '--notify',
    'https://localhost:1/notify',
  ]
  writeFileSync(join(directory, 'faults.json'), '["split@3"]')
  const child: ChildProcess = spawn(process.execPath, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
  try {
    let said = ''
    for await (const chunk of child.stderr ?? []) {
      said += String(chunk)
      if (said.includes('Ctrl-C stops it.')) break
    }
    expect(said).toContain('2026-11-03: 2 files prepared; the webhook was not reached')
    const config = configSchema.parse(parse(readFileSync(join(directory, 'certs/meterlake.toml'), 'utf8')))
    expect(config.custodian?.overrides?.endpoints?.resource).toMatch(/^https:\/\/localhost:\d+\/GreenButtonConnect/)
    const { stdout, stderr } = await run('day', '2026-11-04', '--certs', 'certs', '--customers')
    expect(stderr).toContain('no notification was sent, or not yet')
    expect(stdout.trim().split('\n')).toHaveLength(3)
    expect(stdout).toContain('/Batch/BulkRetailCustomerInfo/50916?correlationID=')
    child.kill('SIGTERM')
    const [code] = (await once(child, 'exit')) as [number | null]
    expect(code).toBe(0)
    expect(existsSync(join(directory, 'certs/running.json'))).toBe(false)
  } finally {
    child.kill('SIGKILL')
  }
})
