/** `npm test`: format, lint, types, unused code and every test, under the pinned Node. One line a step; ends with the count. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ensureInstalled, root, toolEnvironment } from './install.mjs'

const steps = [
  { name: 'format', command: ['oxfmt', '--check', '.'] },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings', '.'] },
  { name: 'types', command: ['tsc', '-p', '.'] },
  { name: 'unused code', command: ['knip', '--no-progress'] },
]

/** Runs a tool of `node_modules/.bin`; answers its exit code and output. `show` passes the output through as it comes. */
function run([tool, ...args], env, show = false) {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, 'node_modules', '.bin', tool), args, {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const take = (target) => (data) => {
      output += data
      if (show) target.write(data)
    }
    child.stdout.on('data', take(process.stdout))
    child.stderr.on('data', take(process.stderr))
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => child.kill(signal))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

const seconds = (started) => `${((Date.now() - started) / 1000).toFixed(1)} s`

/** The steps before the tests; answers how many failed. */
async function runSteps(env) {
  let failed = 0
  for (const { name, command } of steps) {
    const started = Date.now()
    const { code, output } = await run(command, env)
    console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds(started)})`)
    if (code !== 0) {
      failed += 1
      console.log(output.trimEnd())
    }
  }
  return failed
}

try {
  const env = toolEnvironment(await ensureInstalled())
  const focus = process.argv.slice(2)
  const failedSteps = focus.length > 0 ? 0 : await runSteps(env)
  const { code, output } = await run(['vitest', 'run', ...focus], env, true)
  const count = /(\d+) passed, (\d+) failed\s*$/.exec(output)
  const passed = Number(count?.[1] ?? 0)
  const failedTests = Number(count?.[2] ?? 0)
  // A run that fails without a failing test (or without a count) is a failure still.
  const failed = failedSteps + (code !== 0 && failedTests === 0 ? 1 : failedTests)
  if (failed !== failedTests || count === null) console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
} catch (error) {
  console.error(error.message)
  console.log('0 passed, 1 failed')
  process.exitCode = 1
}
