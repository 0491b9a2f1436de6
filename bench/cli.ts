/** The command line that users run. */
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

export const cli: readonly [string, ...string[]] = [process.execPath, `${root}bin/bootstrap.mjs`]
