/** The rules of DESIGN 3: which folder may import which, and how large a file may be. */
import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What each folder may import of ours, beside itself. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  schemas: [],
  espi: ['schemas'],
  custodian: ['schemas'],
  warehouse: ['schemas'],
  sim: ['schemas'],
  activities: ['espi', 'custodian', 'warehouse', 'schemas'],
  workflows: ['schemas'],
  'temporal.config.ts': ['schemas'],
  bin: ['activities', 'custodian', 'espi', 'schemas', 'sim', 'temporal.config.ts', 'warehouse', 'workflows'],
  bench: ['bin', 'custodian', 'espi', 'schemas', 'sim', 'temporal.config.ts', 'warehouse'],
}
/** Only as `import type`. */
const mayImportTypes: Readonly<Record<string, readonly string[]>> = { workflows: ['activities'] }

interface Source {
  readonly path: string
  readonly folder: string
  readonly text: string
  readonly lines: number
}

const ours = Object.keys(mayImport)
const sources: Source[] = []
for await (const path of glob('{*,{*,*/**/*}}.{ts,mjs}', {
  cwd: root,
  exclude: (name) => /^(?:node_modules|\.git|lake|pii)$/.test(name),
})) {
  const [first = ''] = path.split('/')
  if (!ours.includes(first) && first !== 'test') continue
  const text = readFileSync(join(root, path), 'utf8')
  sources.push({ path, folder: first, text, lines: text.split('\n').length - 1 })
}
const product = sources.filter(({ folder, path }) => folder !== 'test' && !path.endsWith('.mjs'))

/** Comments and strings out of the way of a search for code. */
const withoutComments = (text: string) => text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '')

interface Import {
  readonly specifier: string
  readonly isType: boolean
}

function importsOf({ text }: Source): Import[] {
  const code = withoutComments(text)
  const found = [...code.matchAll(/^(import|export)\s+(type\s)?([^'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm)].map(
    ([, , type, names, specifier]) => {
      const braces = /^\{([^}]*)\}\s+from\s+$/.exec(names ?? '')?.[1]
      const each = braces
        ?.split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '')
      const isType = type !== undefined || (each !== undefined && each.every((name) => name.startsWith('type ')))
      return { specifier: specifier ?? '', isType }
    },
  )
  const dynamic = [...code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)].map(([, specifier]) => ({
    specifier: specifier ?? '',
    isType: false,
  }))
  return [...found, ...dynamic]
}

const offences = (rule: (source: Source) => readonly string[], from = product) =>
  from.flatMap((source) => rule(source).map((offence) => `${source.path}: ${offence}`))

test('the sources are found at all', () => {
  expect(product.length).toBeGreaterThan(20)
  expect(product.some(({ path }) => path === 'schemas/tables.ts')).toBe(true)
  expect(product.some(({ path }) => path === 'bin/commands/load.ts')).toBe(true)
})

/** What a source imports against the direction of the folders. */
const wrongImports = (source: Source): string[] =>
  importsOf(source).flatMap(({ specifier, isType }) => {
    if (!specifier.startsWith('.')) return []
    const target = relative(root, resolve(root, dirname(source.path), specifier))
    const [folder = ''] = target.split('/')
    if (folder === source.folder || target === 'package.json') return []
    if (mayImport[source.folder]?.includes(folder)) return []
    if (isType && mayImportTypes[source.folder]?.includes(folder)) return []
    return [`imports ${target}`]
  })

test('imports between folders go one way', () => {
  expect(offences(wrongImports)).toEqual([])
  const wrong = {
    path: 'espi/x.ts',
    folder: 'espi',
    lines: 1,
    text: "import { a } from '../warehouse/paths.ts'\nawait import('../bin/up.ts')",
  }
  expect(wrongImports(wrong)).toEqual(['imports warehouse/paths.ts', 'imports bin/up.ts'])
  const types = {
    path: 'workflows/x.ts',
    folder: 'workflows',
    lines: 1,
    text: "import type { A } from '../activities/index.ts'",
  }
  expect(wrongImports(types)).toEqual([])
  expect(wrongImports({ ...types, text: types.text.replace('type ', '') })).toEqual(['imports activities/index.ts'])
})

const isWithoutExtension = ({ specifier }: Import) => specifier.startsWith('.') && !/\.(?:ts|mjs|json)$/.test(specifier)

test('relative imports name the file with its extension', () => {
  expect(sources.filter((source) => importsOf(source).some(isWithoutExtension)).map(({ path }) => path)).toEqual([])
})

const effect = /^(?:node:(?:fs|net|http|https|tls|child_process|worker_threads|process|os)|undici|@duckdb)/
const isEffect = ({ specifier, isType }: Import) => effect.test(specifier) && !isType

test('the reader and the workflows touch no file, network or process', () => {
  const pure = product.filter(({ folder }) => ['espi', 'workflows'].includes(folder))
  expect(offences((source) => (importsOf(source).some(isEffect) ? ['imports an effect'] : []), pure)).toEqual([])
})

test('one module calls the DuckDB binding', () => {
  const callers = product.filter((source) =>
    importsOf(source).some(({ specifier }) => specifier.startsWith('@duckdb/')),
  )
  expect(callers.map(({ path }) => path)).toEqual(['warehouse/database.ts'])
})

test('the environment is read in temporal.config.ts alone', () => {
  const readers = product.filter(({ text }) => /\bprocess\.env\b/.test(withoutComments(text)))
  expect(readers.map(({ path }) => path)).toEqual(['temporal.config.ts'])
})

test('no file is over 400 lines, the median not over 120', () => {
  expect(offences(({ lines }) => (lines > 400 ? [`${lines} lines`] : []), sources)).toEqual([])
  const sizes = product.map(({ lines }) => lines).sort((a, b) => a - b)
  expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThanOrEqual(120)
})

/** Syntax that type stripping cannot run, or that we do without. */
const banned = {
  'an enum': /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s/m,
  'a namespace': /^\s*(?:export\s+)?(?:declare\s+)?namespace\s/m,
  'a parameter property': /constructor\([^)]*\b(?:private|public|protected|readonly)\s+\w+\s*[:?]/,
  'a default export': /^export default\b/m,
} as const

test.each(Object.entries(banned))('no source has %s', (_, pattern) => {
  expect(product.filter(({ text }) => pattern.test(withoutComments(text))).map(({ path }) => path)).toEqual([])
})

test('names are kebab-case and say what a file is', () => {
  expect(product.map(({ path }) => path).filter((path) => !/^[a-z0-9./-]+$/.test(path))).toEqual([])
  const vague = /(?:^|\/)(?:utils?|helpers?|common|misc)(?:\/|\.ts$)/
  expect(product.map(({ path }) => path).filter((path) => vague.test(path))).toEqual([])
})
