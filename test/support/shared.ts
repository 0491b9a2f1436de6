/** Real feeds and yardsticks beside the checkout. A user's clone has none: those tests skip, visibly; the gate must have them. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../shared', import.meta.url))

/** Absolute path of something in `../shared`, or undefined where it is absent. Throws where the gate lacks it. */
export function sharedPath(relative: string): string | undefined {
  const path = `${root}/${relative}`
  if (existsSync(path)) return path
  if (process.env['CI'] === 'true') throw new Error(`${path} is missing, and CI=true demands it`)
  console.warn(`skipped: ../shared/${relative} is not at hand`)
  return undefined
}
