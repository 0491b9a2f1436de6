/** What package.json and the lock promise. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface Package {
  readonly name: string
  readonly license: string
  readonly engines: Readonly<Record<string, string>>
  readonly allowScripts: Readonly<Record<string, boolean>>
  readonly bin: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}
interface Lock {
  readonly packages: Readonly<
    Record<string, Pick<Package, 'dependencies' | 'devDependencies'> & { version: string; hasInstallScript?: boolean }>
  >
}

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'))
const pkg = read('package.json') as Package
const lock = read('package-lock.json') as Lock
const all = Object.entries({ ...pkg.dependencies, ...pkg.devDependencies })

test('every version is exact', () => {
  expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))).toEqual([])
})

test('the lock holds exactly these versions', () => {
  expect(lock.packages['']?.dependencies).toEqual(pkg.dependencies)
  expect(lock.packages['']?.devDependencies).toEqual(pkg.devDependencies)
  const locked = all.map(([name]) => [name, lock.packages[`node_modules/${name}`]?.version])
  expect(locked).toEqual(all)
})

// JSON histories cannot be replayed where @temporalio/* and grpc's loader see different copies (reference: protobufjs 7 hoisted).
test('one protobufjs 8 is hoisted, and no package of Temporal has its own', () => {
  expect(lock.packages['node_modules/protobufjs']?.version).toMatch(/^8\./)
  const own = Object.keys(lock.packages).filter((path) => /@temporalio\/.*\/protobufjs$/.test(path))
  expect(own).toEqual([])
})

test('all packages of Temporal have one version', () => {
  const versions = all.flatMap(([name, version]) => (name.startsWith('@temporalio/') ? [version] : []))
  expect(versions.length).toBeGreaterThan(4)
  expect(new Set(versions).size).toBe(1)
})

test('Node is pinned, and is one that engines allow', () => {
  expect(pkg.devDependencies['node']).toMatch(/^24\./)
  expect(pkg.engines['node']).toBe('>=24.0.0 <27')
  expect(process.versions.node).toBe(pkg.devDependencies['node'])
  expect(pkg.allowScripts).toEqual({ node: true })
})

test('the product is named, licensed and runnable', () => {
  expect(pkg).toMatchObject({ name: 'meterlake', license: 'Apache-2.0', bin: { meterlake: 'bin/bootstrap.mjs' } })
  expect(readFileSync(new URL('../LICENSE', import.meta.url), 'utf8')).toContain('Apache License')
})
