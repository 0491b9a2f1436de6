/** `verify` has nothing to say of lakes nobody touched, however their readings collide. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { verifyLake } from '../../warehouse/verify.ts'
import { createLake } from '../support/lake.ts'
import { againThenLate, feedGroups, loadGroups } from './colliding-feeds.ts'

test('no findings in any lake of colliding readings', async () => {
  await fc.assert(
    fc.asyncProperty(feedGroups, async (groups) => {
      await using lake = await createLake()
      await loadGroups(lake, groups)
      expect(await verifyLake({ roots: lake.roots })).toMatchObject({ findings: [], skipped: [] })
    }),
    { numRuns: 4, examples: [[againThenLate]] },
  )
})
