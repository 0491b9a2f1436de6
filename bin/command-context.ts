/** What every command shares: the options that say which lake and configuration, and what they come to. */
import { type Command, Option } from 'commander'
import type { Config } from '../schemas/config.ts'
import type { LakeRoots } from '../schemas/load-process.ts'
import { loadConfig, processSource } from '../temporal.config.ts'

export interface CommonFlags {
  readonly lake?: string
  readonly config?: string
  readonly verbose?: boolean
}

export const formats = ['table', 'json', 'jsonl', 'csv'] as const
export type Format = (typeof formats)[number]

/** Adds `--lake`, `--config`, `--verbose` to a command. */
export const withCommonOptions = (command: Command): Command =>
  command
    .option('--lake <dir>', 'folder of the lake (default: METERLAKE_LAKE, else ./lake)')
    .option('--config <file>', 'configuration file (default: METERLAKE_CONFIG, else ./meterlake.toml where it exists)')
    .option('--verbose', 'show the stack of an error')

/** `--format table|json|jsonl|csv`. */
export const formatOption = (): Option =>
  new Option('--format <format>', 'how rows are printed').choices([...formats]).default('table')

/** The configuration a command works with. Throws CONFIG_INVALID. */
export const configOf = ({ lake, config }: CommonFlags): Config => loadConfig(processSource({ lake, config }))

export const rootsOf = ({ lake }: Config): LakeRoots => ({ lake: lake.dir, pii: lake.pii })
