/** Queries over tables whose rows are versions of things: which differ, and which is in force. */
import { model } from './model.ts'

/** Versions as a table expression, and select lists of what identifies a thing and of what makes two versions the same. */
export interface Versions {
  readonly source: string
  readonly key: string
  readonly content: string
}

/** Versions that say something else than the one before them, with `valid_from` and `valid_to` by the utility's clock. */
export const changedVersions = ({ source, key, content }: Versions): string =>
  model('changed-versions', { source, key, content })

/** One row of each thing, with `known_at` (`commits`: query of commit_id, known_at) and `more` columns of the row `v`. */
export const versionInForce = (versions: Versions, commits: string, more = ''): string =>
  model('version-in-force', { changed: changedVersions(versions), key: versions.key, commits, more })
