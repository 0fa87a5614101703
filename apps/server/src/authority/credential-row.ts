import type { PublicKey } from "@holdfast/crypto";
import type { CredentialId, Instant } from "@holdfast/kernel";
import type { Conditions, CredentialKind } from "@holdfast/protocol";
import type { Credential, Enrols, Exposed } from "./credential.ts";
import type { Proof } from "./session.ts";

/** A credential as PostgreSQL keeps it. */
export type CredentialRow = {
  id: string;
  prefix: "key" | "token" | "session";
  person: string | null;
  application: string | null;
  device: string | null;
  app_user: string | null;
  app_session: string | null;
  dashboard: string | null;
  parent: string | null;
  parent_prefix: "key" | "token" | "session" | null;
  issued_seq: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  digest: Uint8Array;
  version: number;
  body: Uint8Array;
};

/** What of it is sealed. */
export type Body = {
  kind: CredentialKind;
  name: string;
  state: Credential["state"];
  grants: string[];
  makers?: CredentialId[];
  /** The first rows were written without: a token of a person's was then a sign-in's unless another credential had made it. */
  inPerson?: boolean;
  isLent?: true;
  proofs?: readonly Proof[];
  publicKey?: PublicKey;
  conditions?: Conditions;
  issued?: NonNullable<Credential["issued"]>;
  enrols?: Enrols;
  socket?: NonNullable<Credential["socket"]>;
  /** The first rows were written without when it was made. */
  former?: { digest: string; madeAt?: Instant; endsAt: Instant };
  rotatedAt?: Instant;
  exposed?: Exposed;
  leakedAt?: Instant;
  by?: readonly string[];
};
