import type { Id, Instant } from "@holdfast/kernel";

/** One organisation: which rows, and the keys that open them. Only `authority/` is given the means to make one. */
export interface OrgScope {
  readonly org: Id<"org">;
  /** AES-256-GCM under the organisation's key for `kind`; opens again only as the same kind and row of the same organisation. */
  seal(kind: string, row: string, plain: Uint8Array): Uint8Array;
  /** @throws Refusal `seal.broken` */
  open(kind: string, row: string, sealed: Uint8Array): Uint8Array;
  /** A keyed digest for exact lookups of something that is sealed; equal only within this organisation and purpose. */
  index(purpose: string, value: string): Uint8Array;
  /** 256 bits of this organisation and purpose (HKDF, RFC 5869), for what is not sealed row by row: token keys. */
  derive(purpose: string): Uint8Array;
}

/** Who acts: what the audit entry says. Never a secret. */
export type Actor =
  | { readonly kind: "credential"; readonly id: string; readonly person?: Id<"person"> }
  | { readonly kind: "platform" };

/** What a permit and a reach have in common, and all that storage needs to know of them. */
export interface Allowed {
  readonly scope: OrgScope;
  readonly actor: Actor;
}

/** What happened, in the past tense and without payloads: `device.retired`, about `dev_…`. */
export type AuditEntry = {
  readonly what: string;
  readonly about: string;
  /** Small facts worth keeping (old and new state, a grant list); sealed with the entry. */
  readonly facts?: Readonly<Record<string, unknown>>;
};

/** One transaction of one organisation: row-level security is set by its first statement. */
export interface Unit {
  readonly scope: OrgScope;
  readonly actor: Actor;
  /** The transaction's own time, from the platform's clock. */
  readonly at: Instant;
  query<Row>(text: string, values: readonly unknown[]): Promise<readonly Row[]>;
  audit(entry: AuditEntry): void;
  /** Runs once the transaction has committed, in order, before `change` answers; never inside it. */
  afterCommit(then: () => void): void;
}

/** A transaction on the few tables without an organisation. */
export interface InstanceUnit {
  readonly at: Instant;
  query<Row>(text: string, values: readonly unknown[]): Promise<readonly Row[]>;
  afterCommit(then: () => void): void;
}
