/** A view or a macro of views.duckdb, as one query. */
import type { Schema } from 'apache-arrow'

export interface ViewDefinition {
  /** `schema.name` */
  readonly name: string
  readonly query: string
  readonly comment: string
  /** Table whose columns it shows. */
  readonly table?: Schema
}

export interface MacroDefinition {
  readonly name: string
  readonly parameter: string
  readonly query: string
  readonly comment: string
}
