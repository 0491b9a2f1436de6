/** Addresses, telephone numbers, statuses and the like, which many payloads of a customer feed share → columns. */
import { epochInstant } from './leaf-instant.ts'
import type { ContentPayload } from './leaf-record.ts'

type Cells = Record<string, string | number | boolean | null>

/** Agreements of a hundred years ago are in force; "no end" is 9999. */
export const instantOf = (payload: ContentPayload, name: string): string | null =>
  epochInstant(payload, name, { from: 1850, to: 10_000 })

const joined = (parts: readonly (string | null)[], by: string): string | null => {
  const sent = parts.filter((part) => part !== null)
  return sent.length === 0 ? null : sent.join(by)
}

/** A list as JSON, null where it is empty. */
export const jsonList = (list: readonly unknown[]): string | null => (list.length === 0 ? null : JSON.stringify(list))

/** Columns `<prefix>_address` … `<prefix>_po_box`. PG&E sends the ZIP code as townDetail/code, others as postalCode. */
export function addressColumns(payload: ContentPayload, element: string, prefix: string): Cells {
  const street = (leaf: string) => payload.text(`${element}/streetDetail/${leaf}`)
  const town = (leaf: string) => payload.text(`${element}/townDetail/${leaf}`)
  const general = joined(['addressGeneral', 'addressGeneral2', 'addressGeneral3'].map(street), ', ')
  const named = general ?? joined(['number', 'prefix', 'name', 'type', 'suffix'].map(street), ' ')
  return {
    [`${prefix}_address`]: named,
    [`${prefix}_unit`]: street('suiteNumber'),
    [`${prefix}_city`]: town('name'),
    [`${prefix}_county`]: town('county'),
    [`${prefix}_state`]: town('stateOrProvince'),
    [`${prefix}_zip`]: payload.text(`${element}/postalCode`) ?? town('code'),
    [`${prefix}_country`]: town('country'),
    [`${prefix}_po_box`]: payload.text(`${element}/poBox`),
  }
}

/** Columns phone1, phone2, email1, email2 of the elements below `prefix` (`''`, or with its slash). A password is never kept. */
export function reachColumns(payload: ContentPayload, prefix: string): Cells {
  const phone = (element: string) => {
    const part = (leaf: string) => payload.text(`${prefix}${element}/${leaf}`)
    return (
      part('ituPhone') ?? joined(['countryCode', 'areaCode', 'cityCode', 'localNumber', 'extension'].map(part), ' ')
    )
  }
  payload.texts(`${prefix}electronicAddress/password`)
  return {
    phone1: phone('phone1'),
    phone2: phone('phone2'),
    email1: payload.text(`${prefix}electronicAddress/email1`),
    email2: payload.text(`${prefix}electronicAddress/email2`),
  }
}

/** Columns `<column>` and `<column>_at` of a Status element. */
export const statusColumns = (payload: ContentPayload, element: string, column: string): Cells => ({
  [column]: payload.text(`${element}/value`) ?? payload.text(element),
  [`${column}_at`]: instantOf(payload, `${element}/dateTime`),
})

/** What every Document has, but for its name and type. */
export const documentColumns = (payload: ContentPayload): Cells => {
  payload.texts('electronicAddress/password')
  return {
    title: payload.text('title'),
    subject: payload.text('subject'),
    comment: payload.text('comment'),
    author_name: payload.text('authorName'),
    revision_number: payload.text('revisionNumber'),
    created_at: instantOf(payload, 'createdDateTime'),
    modified_at: instantOf(payload, 'lastModifiedDateTime'),
    ...statusColumns(payload, 'docStatus', 'doc_status'),
    ...statusColumns(payload, 'status', 'status'),
  }
}

/** Each element of that name as an object of its leaves. */
export const objectsOf = (payload: ContentPayload, name: string): Record<string, string>[] =>
  payload
    .take(name)
    .map((child) =>
      Object.fromEntries(child.leaves.map((leaf) => [leaf.name, child.texts(leaf.name).join(' ')] as const)),
    )
