/** SQL kept in files: `models/<name>.sql` with `{{placeholders}}`. */
import { readFileSync } from 'node:fs'

const texts = new Map<string, string>()

function textOf(name: string): string {
  let text = texts.get(name)
  if (text === undefined) {
    text = readFileSync(new URL(`models/${name}.sql`, import.meta.url), 'utf8')
    texts.set(name, text)
  }
  return text
}

/** The SQL of a model with its placeholders filled in. Raises a TypeError for one that has no value. */
export function model(name: string, values: Readonly<Record<string, string | number>> = {}): string {
  return textOf(name).replaceAll(/\{\{(\w+)\}\}/g, (_, key: string) => {
    const value = values[key]
    if (value === undefined) throw new TypeError(`model ${name}: no value for {{${key}}}`)
    return String(value)
  })
}
