/** The command line as a person or a script meets it: the real process, its streams and exit codes. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const launcher = fileURLToPath(new URL('../../bin/meterlake', import.meta.url))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meterlake-cli-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function meterlake(args: readonly string[], { input = '', command = launcher } = {}) {
  const child = spawn(command, [...args], { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(input)
  const exit = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit])
  return { stdout, stderr, code }
}

test('--help names every command and the first steps, and goes to stdout', async () => {
  const { stdout, stderr, code } = await meterlake(['--help'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const name of ['load', 'sql', 'status', 'up', 'worker', 'webhook', 'sim', 'demo'])
    expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
  expect(stdout).toContain('meterlake load feeds/*.xml')
})

test.each(['load', 'sql', 'status', 'up', 'worker', 'webhook', 'demo'])('%s --help shows --lake', async (name) => {
  const { stdout, code } = await meterlake([name, '--help'])
  expect(code).toBe(0)
  expect(stdout).toContain('--lake <dir>')
})

test('it runs through a symbolic link, from anywhere', async () => {
  const link = join(folder, 'ml')
  await symlink(launcher, link)
  const { stdout, code } = await meterlake(['--version'], { command: link })
  expect({ stdout, code }).toEqual({ stdout: '0.1.0\n', code: 0 })
})

test.each([
  [['lode'], 'load'],
  [['load'], 'file'],
  [['sql', 'SELECT 1', '--format', 'xml'], 'table, json, jsonl, csv'],
  [['load', 'absent.xml'], 'there is no file absent.xml'],
  [['sql', ''], 'the query is empty'],
  [['status', '--config', 'absent.toml'], 'absent.toml'],
])('wrong use is exit 2 with what is wrong and a next step: %j', async (args, message) => {
  const { stdout, stderr, code } = await meterlake(args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(message)
  expect(stderr.trim().split('\n').length).toBeGreaterThanOrEqual(2)
  expect(stderr).not.toContain('    at ')
})

test('a lake that is not there is exit 1 with the next step; --verbose adds the stack', async () => {
  const { stderr, code } = await meterlake(['sql', 'SELECT 1', '--lake', 'none'])
  expect(code).toBe(1)
  expect(stderr.split('\n')).toEqual([
    expect.stringMatching(/^meterlake: nothing has been published in .*none$/),
    expect.stringContaining('meterlake load FILE'),
    '',
  ])
  expect((await meterlake(['sql', 'SELECT 1', '--lake', 'none', '--verbose'])).stderr).toContain('    at ')
})
