/** `meterlake relink`: the views of a lake that was moved. */
import type { Command } from 'commander'
import { type CommonFlags, configOf, rootsOf, withCommonOptions } from '../command-context.ts'

export function registerRelink(program: Command): void {
  withCommonOptions(program.command('relink'))
    .description('make views.duckdb and pii.duckdb anew, after the lake was moved or copied')
    .addHelpText(
      'after',
      `
The views name their files by absolute paths, so that any DuckDB client can open them from anywhere. In a lake that was moved these lead
nowhere; in a copy they lead to the original. Everything else in a lake is relative: nothing but the two files is written, and only once
every file the newest manifest names is found. Every command that reads or publishes does the same by itself where it may write.
Exit codes: 0 done; 1 failed, the views are as they were.

Examples:
  meterlake relink
  meterlake relink --lake /mnt/archive/lake`,
    )
    .action(async (flags: CommonFlags) => {
      const { relink } = await import('../../warehouse/relink.ts')
      const roots = rootsOf(configOf(flags))
      const { manifest, files, personal } = await relink(roots)
      console.error(`views of manifest ${manifest}, ${files} files, made anew in ${roots.lake}`)
      if (personal === 'made') console.error(`pii.duckdb made anew in ${roots.pii}`)
      if (personal === 'refused') console.error(`pii.duckdb was left as it is: ${roots.pii} is not yours to read`)
    })
}
