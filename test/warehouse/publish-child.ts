/** Publishes in a process of its own, to be killed: `node publish-child.ts LAKE PII [FORM]`; says `ready` before it begins. */
import { publishStaged } from '../../warehouse/publish.ts'
import { publishForms, type PublishForm } from '../support/publish-forms.ts'
import { timeZone } from '../support/stage-feed.ts'

const [, , lake = '', pii = '', form = 'rewrite'] = process.argv
process.stdout.write('ready\n')
const { commit } = await publishStaged({
  roots: { lake, pii },
  timeZone,
  limits: publishForms[form as PublishForm],
})
process.stdout.write(`commit ${commit}\n`)
