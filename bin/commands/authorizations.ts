/** `meterlake authorizations`: what we may fetch, as the utility tells it. Best effort for a CCA. */
import type { Command } from 'commander'
import { type CommonFlags, configOf, type Format, formatOption, withCommonOptions } from '../command-context.ts'

export function registerAuthorizations(program: Command): void {
  const authorizations = program
    .command('authorizations')
    .description('Authorizations at the utility (best effort for a CCA)')
  withCommonOptions(authorizations.command('list'))
    .description('ask for all; what changed is kept in core.authorization')
    .addOption(formatOption())
    .action(async (flags: CommonFlags & { format: Format }) => {
      const { listAuthorizations } = await import('../show-authorizations.ts')
      await listAuthorizations(configOf(flags), undefined, flags.format)
    })
  withCommonOptions(authorizations.command('show'))
    .description('ask for one')
    .argument('<id>')
    .addOption(formatOption())
    .action(async (id: string, flags: CommonFlags & { format: Format }) => {
      const { listAuthorizations } = await import('../show-authorizations.ts')
      await listAuthorizations(configOf(flags), id, flags.format)
    })
  withCommonOptions(authorizations.command('revoke'))
    .description('revoke one at the utility: it cannot be undone, and the customer is told')
    .argument('<id>')
    .option('--yes', 'do not ask')
    .action(async (id: string, flags: CommonFlags & { yes?: true }) => {
      const { revokeAuthorization } = await import('../show-authorizations.ts')
      await revokeAuthorization(configOf(flags), id, flags.yes ?? false)
    })
}
