#!/usr/bin/env node
/** Starts the command line from a fresh checkout: installs what is missing, then runs `cli.ts` under the pinned Node. */
import { spawn } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { ensureInstalled } from './install.mjs'

/** Runs this script as a child under another Node; signals go to it, its exit status becomes ours. */
function runUnder(node) {
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`meterlake: ${node} could not be started: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    for (const name of signals) process.removeAllListeners(name)
    process.exitCode = code ?? 128 + constants.signals[signal]
  })
}

try {
  const node = await ensureInstalled()
  if (realpathSync(node) === realpathSync(process.execPath)) {
    const { useCompileCache } = await import('./compile-cache.ts')
    useCompileCache()
    await import('./cli.ts')
  } else runUnder(node)
} catch (error) {
  console.error(`meterlake: ${error.message}`)
  console.error('Correct this and start again; what was installed stays.')
  process.exitCode = 1
}
