/** `meterlake load`: feed files on disk into the lake. */
import type { Command } from 'commander'
import {
  type CommonFlags,
  configOf,
  type Format,
  formatOption,
  rootsOf,
  withCommonOptions,
} from '../command-context.ts'

type LoadFlags = CommonFlags & { readonly format: Format; readonly profile?: 'pge' | 'espi' }

export function registerLoad(program: Command): void {
  withCommonOptions(program.command('load'))
    .description('load Green Button (ESPI) feed files: no Temporal, no network; the same bytes twice are a no-op')
    .argument('<file...>', 'XML feeds, also gzip; a pattern in quotes; - for stdin')
    .option('--profile <name>', 'pge, or espi for another utility (default: the configured one, else pge)')
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
All files given are committed together. What a feed holds that is wrong costs its entry and is listed in ops.quarantine.
Exit codes: 0 done; 1 a file failed (nothing of it is in the lake); 3 done, with entries quarantined.

Examples:
  meterlake load 2026-11-21-electric.xml 2026-11-21-gas.xml
  meterlake load 'backfill/**/*.xml.gz' --lake /data/lake
  curl -s https://…/sample.xml | meterlake load --profile espi -`,
    )
    .action(async (files: string[], flags: LoadFlags) => {
      const { loadFiles } = await import('../load-files.ts')
      const config = configOf(flags)
      process.exitCode = await loadFiles(files, {
        roots: rootsOf(config),
        config,
        profile: flags.profile,
        format: flags.format,
      })
    })
}
