/** `meterlake doctor`: the utility's connectivity test, and our side of it. */
import type { Config } from '../schemas/config.ts'
import type { Format } from './command-context.ts'
import { checkCertificates } from './doctor-certificates.ts'
import { type Check, failureOf, warn } from './doctor-check.ts'
import { checkCustodian } from './doctor-custodian.ts'
import { checkHost } from './doctor-host.ts'
import { checkWebhookReachable } from './doctor-tls.ts'
import { exitCodes } from './report-error.ts'
import { formatRows, writeAll } from './row-format.ts'

/** All checks in order: the utility's test first, then our certificates, the webhook, this machine. */
export async function examine(config: Config, now: () => Date = () => new Date()): Promise<readonly Check[]> {
  const { custodian, webhook } = config
  const configure = 'Copy meterlake.example.toml to meterlake.toml and fill it in.'
  return [
    ...(custodian
      ? await checkCustodian(config, custodian, now).catch((error: unknown) => [failureOf('custodian', error)])
      : [warn('custodian', 'no [custodian] section', configure)]),
    ...(await checkCertificates(config, now())),
    webhook ? await checkWebhookReachable(webhook) : warn('webhook', 'no [webhook] section', configure),
    ...(await checkHost(config)),
  ]
}

const columns = ['check', 'result', 'detail', 'next'].map((name) => ({ name, type: 'VARCHAR' }))

/** Prints one line a check; answers 3 where one failed, else 0. */
export async function showDoctor(config: Config, format: Format): Promise<number> {
  const checks = await examine(config)
  const hasFailed = checks.some(({ result }) => result === 'fail')
  if (format === 'table') for (const line of doctorLines(checks)) console.log(line)
  else if (format === 'json') console.log(JSON.stringify({ ok: !hasFailed, checks }, null, 2))
  else {
    const rows = checks.map(({ check, result, detail, next }) => [check, result, detail, next])
    await writeAll(process.stdout, formatRows(format, columns, [rows]))
  }
  return hasFailed ? exitCodes.incomplete : exitCodes.done
}

/** `ok    test token   granted for 3600 s`, and after an arrow the next step. */
export function doctorLines(checks: readonly Check[]): string[] {
  const width = Math.max(...checks.map(({ check }) => check.length))
  const lines = checks.map(
    ({ check, result, detail, next }) =>
      `${result.padEnd(4)}  ${check.padEnd(width)}  ${detail}${next === null ? '' : ` → ${next}`}`,
  )
  const count = (wanted: Check['result']) => checks.filter(({ result }) => result === wanted).length
  return [...lines, '', `${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failed`]
}
