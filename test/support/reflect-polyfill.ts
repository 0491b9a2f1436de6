/** The four Reflect functions that @peculiar/x509's injector asks for; imported before it. */
type Metadata = Map<unknown, Map<PropertyKey | undefined, unknown>>
const store = new WeakMap<object, Metadata>()

const own = (key: unknown, target: object, property?: PropertyKey): unknown =>
  store.get(target)?.get(key)?.get(property)

const find = (key: unknown, target: object | null, property?: PropertyKey): unknown =>
  target === null ? undefined : (own(key, target, property) ?? find(key, Object.getPrototypeOf(target), property))

function define(key: unknown, value: unknown, target: object, property?: PropertyKey): void {
  const metadata: Metadata = store.get(target) ?? new Map()
  store.set(
    target,
    metadata.set(key, (metadata.get(key) ?? new Map<PropertyKey | undefined, unknown>()).set(property, value)),
  )
}

if (!('getMetadata' in Reflect)) {
  Object.assign(Reflect, {
    defineMetadata: define,
    getOwnMetadata: own,
    getMetadata: find,
    hasOwnMetadata: (key: unknown, target: object, property?: PropertyKey) => own(key, target, property) !== undefined,
    metadata: (key: unknown, value: unknown) => (target: object, property?: PropertyKey) =>
      define(key, value, target, property),
  })
}
