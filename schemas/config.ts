/** The configuration: one TOML file (every field unknown) → this, total and frozen. Names in the file are as here. */
import { z } from 'zod'
import { profileSchema } from './profile.ts'

/** A secret is never written in the configuration: it is read from an environment variable or a file. */
export const secretRefSchema = z.union([
  z.strictObject({ env: z.string().min(1) }),
  z.strictObject({ file: z.string().min(1) }),
])

const certificateSchema = z.strictObject({
  /** Path of a PEM file: the leaf first, then intermediates. */
  cert: z.string().min(1),
  /** Path of a PEM file: the private key. */
  key: z.string().min(1),
  passphrase: secretRefSchema.optional(),
})

const clientCertificateSchema = certificateSchema.extend({
  /** A second certificate that stands ready: used when the first is refused or has expired. */
  next: certificateSchema.optional(),
})

const hostPort = z.string().regex(/^[^\s:]+:\d{1,5}$/, 'host:port, e.g. 0.0.0.0:8443')

/** A profile in parts: what differs from the built-in one. */
const profileOverridesSchema = z
  .strictObject({
    ...profileSchema.shape,
    endpoints: z.strictObject(profileSchema.shape.endpoints.shape).partial(),
    limits: z.strictObject(profileSchema.shape.limits.shape).partial(),
  })
  .partial()

export const custodianConfigSchema = z.strictObject({
  /** `pge`, or `espi` for another utility together with `overrides`. */
  profile: z.enum(['pge', 'espi']).default('pge'),
  /** Settings of the profile that differ, e.g. its endpoints. */
  overrides: profileOverridesSchema.optional(),
  /** Text: client ids are padded (`00123`). */
  client_id: z.string().min(1),
  client_secret: secretRefSchema,
  /** Never derived from client_id. Absent: read from ApplicationInformation, which needs `application`. */
  bulk_id: z.string().min(1).optional(),
  /** For ApplicationInformation: what the custodian has registered of us. */
  application: z
    .strictObject({
      /** Absent: found through the Authorizations. */
      id: z.string().min(1).optional(),
      registration_access_token: secretRefSchema,
    })
    .optional(),
  certificate: clientCertificateSchema,
  /** Path of a PEM bundle that the custodian's server certificate must chain to; absent: the public authorities. */
  ca: z.string().optional(),
})

export const webhookConfigSchema = z.strictObject({
  listen: hostPort.default('0.0.0.0:8443'),
  /** Path of the registered notification URI. */
  path: z.string().startsWith('/').default('/notify'),
  /** The registered notification URI, as the utility reaches it; absent: `doctor` asks at `listen`. */
  url: z.url().startsWith('https://').optional(),
  certificate: certificateSchema,
  /** Path of a PEM bundle of authorities for the sender's certificate. */
  client_ca: z.string(),
  /** SHA-256 fingerprints (hex, colons allowed) of senders' certificates; empty: any certificate of `client_ca`. */
  client_fingerprints: z.array(z.string()).default([]),
})

/** Local ports for those who watch; absent: not open. */
export const operationsConfigSchema = z.strictObject({
  /** host:port of the Prometheus endpoint `/metrics`. */
  metrics: hostPort.optional(),
  /** host:port of `/healthz` and `/readyz`. */
  health: hostPort.optional(),
})

export const temporalConfigSchema = z.strictObject({
  /** host:port of a Temporal server; absent: an embedded dev server with its database in `<lake>/state`. */
  address: hostPort.optional(),
  namespace: z.string().default('default'),
  /** Path of the `temporal` program, for the embedded server; absent: `temporal` on PATH, or fetched. */
  cli_path: z.string().optional(),
})

/** The file and environment together, before paths are made absolute. */
export const configSchema = z
  .strictObject({
    lake: z.strictObject({ dir: z.string().default('./lake'), pii: z.string().optional() }).prefault({}),
    custodian: custodianConfigSchema.optional(),
    webhook: webhookConfigSchema.optional(),
    temporal: temporalConfigSchema.prefault({}),
    operations: operationsConfigSchema.prefault({}),
    /** What `erase --retention` takes. Nothing is erased without that command. */
    retention: z
      .strictObject({
        /** Readings and bills of local days longer ago go [months]. */
        months: z.int().positive().default(60),
        /** Path of a file of usage points under a legal hold, an id a line. */
        hold: z.string().optional(),
      })
      .prefault({}),
    reader: z
      .strictObject({
        /** `off`: every byte of a feed goes through the XML parser. What is read is the same. */
        markup_memory: z.enum(['on', 'off']).default('on'),
      })
      .prefault({}),
    log: z
      .strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info') })
      .prefault({}),
  })
  .refine(
    ({ custodian }) =>
      custodian === undefined || custodian.bulk_id !== undefined || custodian.application !== undefined,
    {
      path: ['custodian', 'bulk_id'],
      message: 'is needed, unless custodian.application says how to read it',
    },
  )

export type SecretRef = z.infer<typeof secretRefSchema>
export type CustodianConfig = z.infer<typeof custodianConfigSchema>
export type WebhookConfig = z.infer<typeof webhookConfigSchema>
type Settings = z.infer<typeof configSchema>

/** Total and frozen; every path is absolute. */
export type Config = Readonly<Omit<Settings, 'lake'>> & { readonly lake: Readonly<{ dir: string; pii: string }> }
