/** Tables whose rows are what entries of customer feeds said, whole snapshots of them: appended a commit, made compact at a bound. */
import type { Schema } from 'apache-arrow'
import type { FileRef, Manifest } from '../schemas/manifest.ts'
import type { StagedLoadRecord } from '../schemas/stage.ts'
import { type PersonalTable, personalTables } from '../schemas/tables-personal.ts'
import { tables } from '../schemas/tables.ts'
import { columnList, identifier, literal } from './columns.ts'
import { type CommitSession, readFiles, writeQuery } from './commit-session.ts'
import { model } from './model.ts'
import type { LakePath } from './paths.ts'
import type { Versions } from './version-in-force.ts'

export type AttributeTable = 'usage_point_agreement' | 'usage_point_place'

/** What tells the subjects of each table apart. */
export const versionKeys: Readonly<Record<PersonalTable | AttributeTable, readonly string[]>> = {
  customer: ['customer_key'],
  customer_account: ['account_key'],
  customer_agreement: ['agreement_key'],
  service_location: ['location_key'],
  meter: ['meter_key'],
  demand_response_program: ['agreement_key', 'program_name', 'occurrence'],
  program_date_code: ['code'],
  service_supplier: ['supplier_id'],
  usage_point_agreement: ['usage_point_id'],
  usage_point_place: ['usage_point_id'],
}

/** Where a row came from; the same customer may come under several RetailCustomers in one feed. */
const notContent = new Set(['published_at', 'load_id', 'commit_id', 'byte_offset', 'href', 'retail_customer_id'])

export const schemaOf = (table: PersonalTable | AttributeTable): Schema =>
  table === 'usage_point_agreement' || table === 'usage_point_place' ? tables[table] : personalTables[table]

/** Key and content of a table, for the models that compare versions. */
export const versionColumns = (table: PersonalTable | AttributeTable): Omit<Versions, 'source'> => ({
  key: versionKeys[table].join(', '),
  content: schemaOf(table)
    .fields.map((field) => field.name)
    .filter((name) => !notContent.has(name) && !versionKeys[table].includes(name))
    .map(identifier)
    .join(', '),
})

/** Files beyond which a table is made one compact file. */
const compactBeyond = 8

/** The rows of a query (whole rows of the table) beside the files there are. Answers the table's files. */
async function appendVersions(
  session: CommitSession,
  table: PersonalTable | AttributeTable,
  query: string,
): Promise<FileRef[]> {
  const isPersonal = Object.hasOwn(personalTables, table)
  const storage = isPersonal ? session.pii : session.lake
  const known = isPersonal
    ? session.parent.pii.tables[table as PersonalTable]
    : session.parent.tables[table as AttributeTable]
  const place = (): LakePath =>
    isPersonal
      ? { kind: 'personal_table', table: table as PersonalTable, commit: session.n, part: session.nextPart() }
      : { kind: 'table', table: table as AttributeTable, commit: session.n, part: session.nextPart() }
  const compact = (source: string) =>
    model('compact-versions', { columns: columnList(schemaOf(table)), ...versionColumns(table), source })
  const written = await writeQuery(session, compact(query), place(), storage)
  const files = [...known, ...(written ? [written.ref] : [])]
  if (files.length <= compactBeyond) return files
  const whole = await writeQuery(session, compact(readFiles(storage, files, '')), place(), storage)
  return whole ? [whole.ref] : files
}

/** Appends what the loads bring to the tables under pii, and to those of attributes. */
export async function appendCustomers(
  session: CommitSession,
  loads: readonly StagedLoadRecord[],
): Promise<{
  readonly personal: Manifest['pii']['tables']
  readonly attributes: Pick<Manifest['tables'], AttributeTable>
}> {
  const append = async (table: PersonalTable | AttributeTable, known: FileRef[]): Promise<FileRef[]> => {
    const parts = loads.flatMap((load) => {
      const file = load.files[table]
      if (!file) return []
      const source = readFiles(session[file.root], [file], '')
      return [`SELECT *, ${literal(load.loadId)} AS load_id, ${session.n}::BIGINT AS commit_id FROM (${source})`]
    })
    return parts.length === 0 ? known : await appendVersions(session, table, parts.join(' UNION ALL BY NAME '))
  }
  const { parent } = session
  const personal = { ...parent.pii.tables }
  for (const table of Object.keys(personalTables) as PersonalTable[])
    personal[table] = await append(table, personal[table])
  return {
    personal,
    attributes: {
      usage_point_agreement: await append('usage_point_agreement', parent.tables.usage_point_agreement),
      usage_point_place: await append('usage_point_place', parent.tables.usage_point_place),
    },
  }
}
