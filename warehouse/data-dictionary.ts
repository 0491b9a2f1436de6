/** The data dictionary: every view, macro and table with its columns, from the schemas and from the views as they are built. */
import type { Field, Schema } from 'apache-arrow'
import type { LakeRoots } from '../schemas/load-process.ts'
import { personalTables } from '../schemas/tables-personal.ts'
import { tables } from '../schemas/tables.ts'
import { columnComment, duckdbType } from './columns.ts'
import { Database } from './database.ts'
import { emptyManifest } from './manifest.ts'
import { formatPath } from './paths.ts'
import { textOf } from './row-values.ts'
import { openRoots } from './storage.ts'
import { buildViews } from './views.ts'

/** A column as the dictionary shows it: all cells as text. */
interface Entry {
  readonly name: string
  readonly type: string
  readonly unit: string
  readonly meaning: string
  /** What NULL stands for; '' where it does not occur. */
  readonly nothing: string
  readonly source: string
  readonly privacy: string
}

const headings = ['column', 'type', 'unit', 'meaning', 'NULL means', 'source (ESPI)', 'privacy']

/** Text in a cell of a Markdown table. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('<', '&lt;')

const tableOf = (entries: readonly Entry[]): string[] => [
  `| ${headings.join(' | ')} |`,
  `| ${headings.map(() => '---').join(' | ')} |`,
  ...entries.map(({ name, type, unit, meaning, nothing, source, privacy }) => {
    const cells = [unit, meaning, nothing, source, privacy].map(cell)
    return `| \`${name}\` | ${type} | ${cells.join(' | ')} |`
  }),
]

const fact = (field: Field, name: string): string => field.metadata.get(name) ?? ''

const entryOf = (field: Field): Entry => ({
  name: field.name,
  type: duckdbType(field.type),
  unit: fact(field, 'unit'),
  meaning: fact(field, 'meaning'),
  nothing: fact(field, 'null'),
  source: fact(field, 'source'),
  privacy: fact(field, 'privacy'),
})

/** A column of a view by its comment, `meaning [unit]; NULL: what`: where a table says the same of a column of that name, its source too. */
function viewEntry(name: string, type: string, comment: string): Entry {
  const field = Object.values(tables)
    .flatMap((table: Schema) => table.fields)
    .find((each) => each.name === name && columnComment(each) === comment)
  if (field) return { ...entryOf(field), type }
  const [, meaning = comment, unit = '', nothing = ''] =
    /^(.*?)(?: \[([^\]]*)\])?(?:; NULL: (.*))?$/s.exec(comment) ?? []
  return { name, type, unit, meaning, nothing, source: '', privacy: 'internal' }
}

/** Views and macros of a lake without rows; zone and folder are of no consequence. */
async function viewSections(db: Database): Promise<string[]> {
  const views = await db.rows(
    `SELECT schema_name || '.' || view_name AS name, coalesce(comment, '') AS comment FROM duckdb_views() WHERE NOT internal ORDER BY name`,
  )
  const columns = await db.rows(
    `SELECT schema_name || '.' || table_name AS view, column_name AS name, data_type AS type, coalesce(comment, '') AS comment
     FROM duckdb_columns() WHERE NOT internal ORDER BY view, column_index`,
  )
  const ofView = Map.groupBy(columns, (column) => textOf(column, 'view'))
  return views.flatMap((view) => {
    const name = textOf(view, 'name')
    const entries = (ofView.get(name) ?? []).map((column) =>
      viewEntry(textOf(column, 'name'), typeName(textOf(column, 'type')), textOf(column, 'comment')),
    )
    return [`### ${name}`, '', sentence(textOf(view, 'comment')), '', ...tableOf(entries), '']
  })
}

const typeName = (type: string): string => (type === 'TIMESTAMP WITH TIME ZONE' ? 'TIMESTAMPTZ' : type)
/** With a full stop, and a capital unless it begins with a name. */
const sentence = (text: string): string =>
  `${/^\w+\./.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1)}.`

async function macroSection(db: Database): Promise<string[]> {
  const macros = await db.rows(
    `SELECT schema_name || '.' || function_name AS name, array_to_string(parameters, ', ') AS parameters, coalesce(comment, '') AS comment
     FROM duckdb_functions() WHERE function_type = 'table_macro' AND NOT internal ORDER BY name`,
  )
  const lines = macros.map((macro) => {
    const name = textOf(macro, 'name')
    return `| \`${name}(${textOf(macro, 'parameters')})\` | ${cell(sentence(textOf(macro, 'comment')))} | \`${name.replace(/_as(of|_published)$/, '')}\` |`
  })
  return ['| macro | what it gives | columns as in |', '| --- | --- | --- |', ...lines, '']
}

const tableSections = (list: Readonly<Record<string, Schema>>): string[] =>
  Object.entries(list).flatMap(([name, schema]) => [
    `### ${name}`,
    '',
    `One row per ${schema.metadata.get('grain') ?? ''}.`,
    '',
    ...tableOf(schema.fields.map(entryOf)),
    '',
  ])

/** The dictionary as Markdown. `roots`: an empty folder to build views in. */
export async function dataDictionary(roots: LakeRoots): Promise<string> {
  const { lake } = openRoots(roots)
  await buildViews(lake, emptyManifest('UTC', ''))
  await using scratch = await lake.scratch()
  await using db = await Database.open({
    threads: 1,
    memoryLimitMb: 128,
    path: lake.locate(formatPath({ kind: 'views' })),
    readOnly: true,
    scratch: scratch.path,
  })
  const lines = [
    '# Data dictionary',
    '',
    'Made by `npm run dictionary` from the schemas (`schemas/tables*.ts`) and the comments of the views; a test fails when it is stale.',
    'Times are TIMESTAMPTZ in UTC; units are in the names or beside them; an empty cell under *NULL means*: never NULL. Privacy: `public`',
    'may be published, `internal` stays with the CCA, `personal` stays under `pii/`.',
    '',
    '## Views (`lake/views.duckdb`)',
    '',
    ...(await viewSections(db)),
    '## Macros (`lake/views.duckdb`)',
    '',
    "The parameter is a moment: `core.interval_asof(TIMESTAMPTZ '2026-03-08 10:00:00Z')`.",
    '',
    ...(await macroSection(db)),
    '## Tables of the lake (Parquet files the manifest names)',
    '',
    ...tableSections(tables),
    '## Personal tables (under `pii/`)',
    '',
    'In `pii/pii.duckdb` each is a view of the version in force (with `known_at`), and `<name>_version` of all that differ from the one',
    "before (with `valid_from`, `valid_to` by the utility's clock, and `known_at`).",
    '',
    ...tableSections(personalTables),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}
