/** Tables of what happened: loads, notifications, what was refused, what was unknown. */
import { bigint, column, date, decimal, flag, instant, integer, table, text } from './column.ts'
import { interval } from './columns-interval.ts'

export const quarantine = table('element that was refused, or that calls for attention', [
  interval.loadId,
  column('rule', text, { meaning: 'rule that was broken, e.g. READING_VALUE_MISSING' }),
  column('severity', text, { meaning: 'error: the entry was left out; warn: kept, look at it' }),
  column('path', text, { meaning: 'element path in the feed' }),
  column('href', text, { meaning: 'self link of the entry', null: 'the entry has none, or it is kept in pii/' }),
  column('byte_from', bigint, { meaning: 'first byte in the raw file', unit: 'B' }),
  column('byte_to', bigint, { meaning: 'byte after the last', unit: 'B' }),
  column('fragment', text, { meaning: 'the bytes, at most 4 KiB of them', null: 'kept in pii/' }),
  column('message', text, { meaning: 'what is wrong and what to do' }),
  interval.commitId,
])

/** What a feed holds that the reader does not know: counted, never dropped silently. */
export const drift = table('unknown element, attribute or code of a load', [
  interval.loadId,
  column('kind', text, { meaning: 'element, attribute or code' }),
  column('name', text, { meaning: 'path of the element, or list and code' }),
  column('n', bigint, { meaning: 'times it occurred' }),
  column('first_byte', bigint, { meaning: 'where it came first', unit: 'B' }),
  interval.commitId,
])

const count = (name: string, meaning: string) => column(name, bigint, { meaning })

/** The ledger: one row per load, also of one that failed. */
export const load = table('load', [
  interval.loadId,
  column('sha256', text, { meaning: 'SHA-256 of the bytes as received' }),
  column('kind', text, { meaning: 'usage or customer' }),
  column('status', text, {
    meaning: 'loaded, quarantined (some entries left out), failed; archived: a customer feed of before its tables',
  }),
  column('error_code', text, { meaning: 'code of the failure', null: 'did not fail' }),
  column('error_message', text, { meaning: 'what failed', null: 'did not fail' }),
  column('source', text, { meaning: 'file or notification' }),
  column('source_name', text, { meaning: 'file name, or resource path without its query' }),
  column('notification_id', text, { meaning: 'notification that named it', null: 'none' }),
  column('correlation_id', text, { meaning: 'correlationID of the URL', null: 'none' }),
  column('profile', text, { meaning: 'custodian profile' }),
  column('received_at', instant, { meaning: 'when the bytes were complete here', unit: 'UTC' }),
  column('feed_updated_at', instant, { meaning: 'feed/updated', unit: 'UTC', null: 'not sent' }),
  column('bytes', bigint, { meaning: 'size as received', unit: 'B' }),
  column('raw_path', text, { meaning: 'path in the raw archive, relative to its root', null: 'customer feed' }),
  count('n_entries', 'entries'),
  count('n_usage_points', 'distinct usage points'),
  count('n_blocks', 'IntervalBlocks'),
  count('n_readings', 'readings received'),
  count('n_new', 'readings that were new'),
  count('n_revised', 'readings that changed an earlier one'),
  count('n_unchanged', 'readings that said again what was known'),
  count('n_late', 'readings older than what was known, kept as versions'),
  count('n_superseded', 'earlier readings withdrawn because a newer one covers them'),
  count('n_parked', 'readings waiting for their parents'),
  count('n_quarantined', 'entries left out'),
  count('n_drift', 'kinds of unknown elements and codes'),
  count('n_markup_runs', 'pieces of markup the reader learned; 0: none, or it was told not to'),
  column('slow_bytes', bigint, { meaning: 'bytes read by the XML parser, the rest by remembered markup', unit: 'B' }),
  column('local_date_min', date, { meaning: 'earliest local day touched', null: 'no readings' }),
  column('local_date_max', date, { meaning: 'latest local day touched', null: 'no readings' }),
  column('parser', text, { meaning: 'version of the reader' }),
  column('load_s', decimal(12, 3), { meaning: 'time of reading and staging', unit: 's' }),
  interval.commitId,
  column('known_at', instant, { meaning: 'when the commit made it known: strictly increasing', unit: 'UTC' }),
])

/** Every ad hoc request, as it stands: a row each time that changes, the latest counts. */
export const request = table('request for a package, and what became of it', [
  column('request_id', text, { meaning: 'our x-transaction, a UUID' }),
  column('reason', text, { meaning: 'pull, backfill or reconcile' }),
  column('feed', text, { meaning: 'usage, customer or program (demand response)' }),
  column('window_by', text, { meaning: 'published or updated', null: 'a snapshot has no window' }),
  column('date_from', date, { meaning: 'first operating day asked for', null: 'a snapshot has no window' }),
  column('date_to', date, { meaning: 'last operating day asked for', null: 'a snapshot has no window' }),
  column('ask', integer, { meaning: '1: the first ask for this window; 2 and more: it was asked again' }),
  column('asked_at', instant, { meaning: 'when it was sent', unit: 'UTC' }),
  column('changed_at', instant, { meaning: 'since when it stands so', unit: 'UTC' }),
  column('status', text, {
    meaning:
      'accepted (202, not heard of since), answered, no_data (204: there is none), split (date range too large), not_entitled, unanswered (no notification came), failed',
  }),
  column('transaction', text, { meaning: 'x-transaction that came back', null: 'none came' }),
  column('notification_id', text, { meaning: 'notification that answered it', null: 'none yet' }),
  column('n_resources', integer, { meaning: 'files of the answer' }),
  column('n_loaded', integer, { meaning: 'of these, files in the lake' }),
  column('error_code', text, { meaning: 'code of the failure', null: 'did not fail' }),
  column('message', text, { meaning: 'what happened', null: 'nothing to say' }),
  interval.commitId,
])

export const notification = table('notification received', [
  column('notification_id', text, { meaning: 'SHA-256 of its resource list, or of its bytes where it has none' }),
  column('received_at', instant, { meaning: 'when it was spooled', unit: 'UTC' }),
  column('status', text, { meaning: 'ingested, duplicate, empty, sentinel, refused, malformed, partial, failed' }),
  column('n_resources', integer, { meaning: 'URLs in the list' }),
  column('n_refused', integer, { meaning: 'URLs outside the allow-list' }),
  column('n_loaded', integer, { meaning: 'URLs loaded' }),
  column('message', text, { meaning: 'what happened', null: 'nothing to say' }),
  interval.commitId,
])

const told = (name: string, meaning: string, source: string) =>
  column(name, instant, { meaning, unit: 'UTC', source: `Authorization/${source}`, null: 'not sent' })

/** What we may fetch, and until when, as the custodian told it: a row where something changed. Its tokens are kept nowhere. */
export const authorization = table('version of an Authorization', [
  column('authorization_id', text, {
    meaning: 'id, byte-exact; with PG&E also the Subscription and RetailCustomer id',
    source: 'entry/link[@rel=self]',
  }),
  column('status', integer, {
    meaning: '0 revoked, 1 active, 2 denied',
    source: 'Authorization/status',
    null: 'not sent',
  }),
  column('gone', flag, { meaning: 'the custodian has it no more; the other columns are what it last told' }),
  told('authorized_start_at', 'from when access is given', 'authorizedPeriod/start'),
  told('authorized_end_at', 'until when access is given', 'authorizedPeriod'),
  told('published_start_at', 'first instant of data it opens', 'publishedPeriod/start'),
  told('published_end_at', 'last instant of data it opens', 'publishedPeriod'),
  told('expires_at', 'when its access token ends', 'expires_at'),
  column('scope', text, { meaning: 'function blocks and terms', source: 'Authorization/scope', null: 'not sent' }),
  column('resource', text, {
    meaning: 'path of what it opens, without host and query',
    source: 'Authorization/resourceURI',
    null: 'not sent',
  }),
  column('customer_resource', text, {
    meaning: 'path of the customer data it opens',
    source: 'Authorization/customerResourceURI',
    null: 'not sent',
  }),
  column('published_at', instant, { meaning: 'entry/published', unit: 'UTC', null: 'not sent' }),
  column('updated_at', instant, { meaning: 'entry/updated', unit: 'UTC', null: 'not sent' }),
  column('observed_at', instant, { meaning: 'when the custodian was asked', unit: 'UTC' }),
  interval.commitId,
])
