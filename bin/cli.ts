/** `meterlake`: the command line. Each command registers itself; what it does is imported when it is called. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { registerAlias } from './commands/alias.ts'
import { registerAuthorizations } from './commands/authorizations.ts'
import { registerBackfill } from './commands/backfill.ts'
import { registerDemo } from './commands/demo.ts'
import { registerDoctor } from './commands/doctor.ts'
import { registerErase } from './commands/erase.ts'
import { registerExplain } from './commands/explain.ts'
import { registerGc } from './commands/gc.ts'
import { registerGaps } from './commands/gaps.ts'
import { registerLoad } from './commands/load.ts'
import { registerLoads } from './commands/loads.ts'
import { registerPull } from './commands/pull.ts'
import { registerRelink } from './commands/relink.ts'
import { registerReplay } from './commands/replay.ts'
import { registerUp, registerWebhook, registerWorker } from './commands/roles.ts'
import { registerRoster } from './commands/roster.ts'
import { registerSim } from './commands/sim.ts'
import { registerSql } from './commands/sql.ts'
import { registerStatus } from './commands/status.ts'
import { registerVerify } from './commands/verify.ts'
import { describeFailure } from './report-error.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

const examples = `
Start here:
  meterlake demo                         one operating day end to end against a simulated utility
  meterlake load feeds/*.xml             Green Button files on disk into the lake
  meterlake sql 'FROM mart.load_hourly LIMIT 5'
  meterlake up                           ingest from your utility (see meterlake.example.toml)

Every command takes --help. Data goes to stdout, all else to stderr.
Exit codes: 0 done, 1 failed and nothing half-done, 2 wrong use, 3 done with rows quarantined.`

function createProgram(): Command {
  const program = new Command('meterlake')
    .description('PG&E Share My Data (Green Button Connect My Data) into a Parquet lake with DuckDB views')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', examples)
    .showSuggestionAfterError()
    .configureOutput({
      outputError: (text, write) => write(`meterlake: ${text.replace(/^error: /, '')}See meterlake --help.\n`),
    })
  const registrars = [
    registerLoad,
    registerSql,
    registerStatus,
    registerLoads,
    registerDoctor,
    registerAuthorizations,
    registerAlias,
    registerPull,
    registerBackfill,
    registerGaps,
    registerRoster,
    registerExplain,
    registerVerify,
    registerReplay,
    registerErase,
    registerGc,
    registerRelink,
    registerUp,
    registerWorker,
    registerWebhook,
    registerSim,
    registerDemo,
  ]
  for (const register of registrars) register(program)
  throwInsteadOfExit(program)
  return program
}

/** commander would end the process itself, before what was written is flushed. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride()
  for (const subcommand of command.commands) {
    subcommand.copyInheritedSettings(command)
    throwInsteadOfExit(subcommand)
  }
}

// `meterlake sql … | head`: the reader has seen enough, which is no failure; what runs is still stopped in order.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })

const args = process.argv.slice(2)
try {
  await createProgram().parseAsync(args, { from: 'user' })
} catch (error) {
  const { lines, exitCode } = describeFailure(error, args.includes('--verbose'))
  for (const line of lines) console.error(line)
  process.exitCode = exitCode
}
