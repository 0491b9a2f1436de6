import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stagedTableNames } from '../../schemas/stage.ts'
import { stagingTables } from '../../schemas/staging.ts'
import { formatPath, type LakePath, loadIdOf, notificationStageId, parsePath } from '../../warehouse/paths.ts'

const hex = (length: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`))
const sha256 = hex(64)
const commit = fc.integer({ min: 1, max: 999_999_999_999 })
const part = fc.stringMatching(/^[0-9a-z]{1,32}$/)
const stageId = fc.oneof(
  sha256.map(loadIdOf),
  fc
    .tuple(sha256, fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2200-01-01') }))
    .map(([id, at]) => notificationStageId(id, at.toISOString())),
)
const attempt = fc.tuple(fc.nat(), hex(8)).map(([pid, token]) => `${pid}-${token}`)
const dt = fc
  .date({ noInvalidDate: true, min: new Date('2000-01-01'), max: new Date('2099-12-31') })
  .map((day) => day.toISOString().slice(0, 10))
const growing = fc.constantFrom('usage_point', 'reading_type', 'channel', 'quarantine', 'drift', 'load', 'notification')

const lakePath: fc.Arbitrary<LakePath> = fc.oneof(
  fc.record({ kind: fc.constantFrom('raw', 'raw_index'), sha256 }),
  fc.record({ kind: fc.constant('stage'), id: stageId }),
  fc.record({ kind: fc.constant('staged'), id: stageId, attempt, table: fc.constantFrom(...stagedTableNames) }),
  fc.record({ kind: fc.constantFrom('history', 'receipts', 'parked'), commit, part }),
  fc.record({ kind: fc.constant('current'), dt, commit, part }),
  fc.record({ kind: fc.constant('table'), table: growing, commit, part }),
  fc.record({ kind: fc.constant('manifest'), n: commit }),
  fc.constant({ kind: 'views' }),
  fc.record({ kind: fc.constant('state'), name: fc.constantFrom('publish.lock', 'scratch', 'incoming/a-1.part') }),
) as fc.Arbitrary<LakePath>

describe('paths of the lake', () => {
  test('what is formatted is parsed back', () => {
    fc.assert(
      fc.property(lakePath, (path) => {
        expect(parsePath(formatPath(path))).toEqual(path)
      }),
    )
  })

  test('different things have different paths', () => {
    fc.assert(
      fc.property(lakePath, lakePath, (a, b) => {
        expect(formatPath(a) === formatPath(b)).toBe(isDeepStrictEqual({ ...a }, { ...b }))
      }),
    )
  })

  test.each([
    ['raw/ab/cd00000000000000000000000000000000000000000000000000000000000000.xml.zst', 'folder differs from the hash'],
    ['ledger/usage_point/1-a.parquet', 'wrong folder'],
    ['dims/nothing/1-a.parquet', 'no such table'],
    ['current/dt=2026-03-01/0-a.parquet', 'no commit 0'],
    ['manifests/42.json', 'not padded'],
    ['current/dt=2026-03-01/../x.parquet', 'leaves its folder'],
    ['views.duckdb.tmp', 'work in progress'],
  ])('%s is none of ours: %s', (path) => {
    expect(parsePath(path)).toBeUndefined()
  })

  test('the documented forms', () => {
    const sha = 'ab'.repeat(32)
    expect(formatPath({ kind: 'raw', sha256: sha })).toBe(`raw/ab/${sha}.xml.zst`)
    expect(formatPath({ kind: 'manifest', n: 42 })).toBe('manifests/000000000042.json')
    expect(formatPath({ kind: 'current', dt: '2026-03-01', commit: 42, part: 'f00d0' })).toBe(
      'current/dt=2026-03-01/42-f00d0.parquet',
    )
  })

  test('stage.json knows every staging table', () => {
    expect([...stagedTableNames].sort()).toEqual(Object.keys(stagingTables).sort())
  })
})
