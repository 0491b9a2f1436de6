/** How a query looks into the files of readings: what of its filters reaches them. */
import type { LakeRoots } from '../../schemas/load-process.ts'
import { queryRows } from './query-rows.ts'

interface PlanNode {
  readonly name: string
  readonly children: readonly PlanNode[]
  readonly extra_info: Readonly<Record<string, unknown>>
}

/** Filters of each look of a query into files of readings; `none` where there are none. */
export async function readingScans(roots: LakeRoots, sql: string): Promise<string[]> {
  const [row] = await queryRows({ roots, sql: `EXPLAIN (FORMAT JSON) ${sql}` })
  const below = (node: PlanNode): PlanNode[] => [node, ...node.children.flatMap(below)]
  return (JSON.parse(String(row?.['explain_value'])) as PlanNode[])
    .flatMap(below)
    .filter(({ name, extra_info }) => name.includes('PARQUET') && JSON.stringify(extra_info).includes('he_seq'))
    .map(({ extra_info }) => JSON.stringify(extra_info['Filters'] ?? 'none'))
}
