import type { PublicKey } from "@holdfast/crypto";
import type { CredentialId, Id, Instant } from "@holdfast/kernel";
import type { Conditions, CredentialKind, Grant } from "@holdfast/protocol";
import type { Issued } from "./issuer.ts";
import type { Manufacturer } from "./manufacturer.ts";
import type { Proof } from "./session.ts";

/** Whom a revocation of something larger ends. */
export type Party = "people" | "programs" | "devices";
export const parties: readonly Party[] = ["people", "programs", "devices"];

/** What a mark ends: parties under a thing, or all that a credential made, itself or by what it made. */
export type Ending = Party | "made";
export const endings: readonly Ending[] = [...parties, "made"];

/** A secret that another one took the place of. */
export type FormerSecret = { readonly digest: Uint8Array; readonly madeAt: Instant; readonly endsAt: Instant };

/** `digest` says which of its secrets it was, in hexadecimal digits. */
export type Exposed = {
  readonly at: Instant;
  readonly where: "url" | "topic" | "filter";
  readonly digest: string;
};

/** What seals the frames of a device: the platform has to have the secret itself. It stands in the sealed part of the row alone. */
export type SocketKey = {
  /** 16 bytes, in hexadecimal digits. */
  readonly secret: string;
  /** What numbers in its CBOR stand for. */
  readonly attributes: readonly string[];
};

/** What a key makes of devices that enrol by it. */
export type Enrols = {
  readonly product?: Id<"product">;
  /** How many. */
  readonly most?: number;
  /** How long their certificates are good, in milliseconds. */
  readonly validFor: number;
  /** Whose birth certificates are shown in place of a secret. */
  readonly manufacturer?: Manufacturer;
};

/** What is shown to get in. Nothing here suffices to make it again, a socket's apart: of the secret only a digest is kept. */
export type Credential = {
  readonly id: CredentialId;
  readonly kind: CredentialKind;
  readonly name: string;
  readonly state: "active" | "revoked";
  /**
   * The credential that made it: what this one may do, that one must be able to do, for as long as it lives. None when a person
   * signed in, and none for what belongs to an application or a device.
   */
  readonly parent: CredentialId | undefined;
  /** The credential that made it, what made that, and so on, whether it ends with them or not. None when a person signed in. */
  readonly makers: readonly CredentialId[];
  /** The person behind it, whose role bounds it. */
  readonly person: Id<"person"> | undefined;
  /** She is here herself: nothing but her password made it. What is not, with a person or without, is a program's. */
  readonly inPerson: boolean;
  /** A program's that she let in from her browser: it outlasts that session, and ends with what she signed in with elsewhere. */
  readonly isLent?: true | undefined;
  /**
   * By what she showed then who she is; rows of before say nothing, and then it was her password alone. Of what she made it stands where a
   * provider said it.
   */
  readonly proofs?: readonly Proof[] | undefined;
  /** The thing it belongs to and ends with: an access key its application, a device key its device. */
  readonly application: Id<"application"> | undefined;
  readonly device: Id<"device"> | undefined;
  /** The dashboard that it shows to whoever has it. */
  readonly dashboard?: Id<"dashboard"> | undefined;
  /** The application user who signed in, and which sign-in it is: all that comes of one ends together. */
  readonly user?: { readonly id: Id<"user">; readonly session: Id<"session"> } | undefined;
  readonly grants: readonly Grant[];
  /** Its place in the deployment's one sequence of revocations. */
  readonly issuedSeq: number;
  readonly createdAt: Instant;
  readonly expiresAt: Instant | undefined;
  readonly lastUsedAt: Instant | undefined;
  /** SHA-256 of a key's secret, or of the nonce that only the token itself holds; of a socket the six bytes that it is found by. */
  readonly digest: Uint8Array;
  /** Whoever shows it has to prove that the private key is theirs; what it says alone opens nothing. */
  readonly publicKey: PublicKey | undefined;
  readonly conditions: Conditions | undefined;
  /** What it ends with besides, where an organisation's provider said who she is: marks of revocations. */
  readonly by?: readonly string[] | undefined;
  /** The certificate that an authority of the organisation's own issued for it; the key is that one's, then. */
  readonly issued?: Issued | undefined;
  /** Of a key by which devices enrol. */
  readonly enrols?: Enrols | undefined;
  /** Of a socket. */
  readonly socket?: SocketKey | undefined;
  /** The secret before this one, which is good beside it for a while. */
  readonly former?: FormerSecret | undefined;
  /** When it got the secret that it has; none while that is its first. */
  readonly rotatedAt?: Instant | undefined;
  /** Its secret stood where others may have read it. */
  readonly exposed?: Exposed | undefined;
  /** Somebody who had found its secret handed it in, and that ended it. */
  readonly leakedAt?: Instant | undefined;
  /** Grows with each change, and is sealed with the rest: an older body does not open in a newer row. */
  readonly version: number;
};

/**
 * A browser's session is left after hours, and what a person makes in it is meant to stay: it is made by her, not by the session, and
 * bounded by her role alone. Everything else is an ancestor of what it makes.
 */
export const isAncestor = ({ kind }: Pick<Credential, "kind">): boolean => kind !== "session";

/** An operator key is a person's, an application user is one herself, and so is what she signed in with. Other tokens are programs'. */
export function partyOf({ kind, inPerson }: Pick<Credential, "kind" | "inPerson">): Party {
  switch (kind) {
    case "device":
    case "certificate":
    case "socket":
    case "enrolment":
      return "devices";
    case "operator":
    case "applicationUser":
      return "people";
    case "accessKey":
    case "application":
    case "trustedApplication":
    case "dashboardLink":
      return "programs";
    case "session":
      return "people";
    case "apiToken":
      return inPerson ? "people" : "programs";
  }
}
