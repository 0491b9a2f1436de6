/** What is wrong with a configuration, said so that a person can correct it: the setting, what was found, what to write. */
import type { z } from 'zod'

/** Settings whose value is never repeated, whatever was written there. */
const secret = /secret|passphrase|password|token|api_key/i

/** `8443` → `the number 8443`; a value that may be a secret is only named by its kind. */
function found(value: unknown, setting: string): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a table'
  const kind = typeof value === 'string' ? 'text' : `a ${typeof value}`
  if (secret.test(setting)) return `${kind} (not shown)`
  const shown = JSON.stringify(typeof value === 'bigint' ? value.toString() : value)
  return `${kind} ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}`
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

const isSecretRef = (setting: string) => /(?:client_secret|passphrase|api_key)$/.test(setting)

/** One sentence per issue: `custodian.client_id: found nothing; expected text`. `input` is what was validated. */
export function describeConfigIssues(issues: readonly z.core.$ZodIssue[], input: unknown): string[] {
  return issues.flatMap((issue) => {
    const setting = issue.path.map(String).join('.')
    const within = setting === '' ? '' : `${setting}.`
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `${within}${key} is not a setting`)
    const value = valueAt(input, issue.path)
    if (isSecretRef(setting))
      return [
        `${setting}: found ${found(value, setting)}; write { env = "NAME" } or { file = "PATH" }, never the secret`,
      ]
    return [`${setting}: found ${found(value, setting)}; ${expected(issue)}`]
  })
}

function expected(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `expected ${issue.expected === 'string' ? 'text' : `a ${issue.expected}`}`
  if (issue.code === 'invalid_value')
    return `expected one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`
  if (issue.code === 'too_small') return 'it must not be empty'
  return `expected ${issue.message}`
}
