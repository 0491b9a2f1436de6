/** What stands in the files of a folder, packed or not: for tests that search for what must not be there. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'

export interface FileText {
  /** Absolute. */
  readonly path: string
  /** One char a byte where the file is no Parquet: searching for ASCII finds it in any file. */
  readonly text: string
}

/** Every file below a folder: Parquet as JSON rows, zstd decompressed, databases and all else byte for byte. */
export async function* folderTexts(folder: string): AsyncGenerator<FileText> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      if (entry.name.endsWith('.parquet')) {
        const reader = await connection.runAndReadAll(
          `SELECT to_json(t)::VARCHAR FROM read_parquet('${path.replaceAll("'", "''")}', hive_partitioning = false) t`,
        )
        yield { path, text: reader.getRows().map(String).join('\n') }
        continue
      }
      const bytes = await readFile(path)
      yield { path, text: (entry.name.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes).toString('latin1') }
    }
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

export interface Found {
  readonly where: string
  readonly what: string
}

/** The forms a text may hide in: itself, percent-encoded, JSON- and XML-escaped, and base64 (wherever it begins in a longer text). */
export function disguises(text: string): readonly string[] {
  const bytes = Buffer.from(text)
  // of base64 only the characters that depend on nothing but the text, for each of three alignments
  const packed = [0, 1, 2].map((shift) => {
    const all = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const from = Math.ceil((shift * 8) / 6)
    const to = Math.floor(((shift + bytes.length) * 8) / 6)
    return all.slice(from, to)
  })
  const xml = text.replaceAll('&', '&amp;')
  const forms = [
    text,
    xml,
    encodeURIComponent(text),
    JSON.stringify(text).slice(1, -1),
    bytes.toString('hex'),
    ...packed,
  ]
  return [...new Set(forms)].filter((form) => form.length >= 6)
}

/** Which of the secrets stand in a text, in any disguise; `what` names them by their place in the list, never by value. */
export const findSecrets = (where: string, text: string, secrets: ReadonlyMap<string, string>): Found[] =>
  [...secrets].flatMap(([what, secret]) =>
    disguises(secret).some((form) => text.includes(form)) ? [{ where, what }] : [],
  )
