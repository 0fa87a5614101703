import { routes, type MadePasskey, type ShownPasskey } from "@holdfast/protocol";
import type { Reply } from "@holdfast/client";
import { apiFor } from "../api/index.ts";

/** A page at an address has no passkeys (WebAuthn, 5.1.2). */
const isNamed = !/^[\d.]+$|\[/.test(window.location.hostname);

/** Whether this page can have passkeys, in this browser. */
export const hasPasskeys =
  isNamed &&
  "PublicKeyCredential" in window &&
  "parseRequestOptionsFromJSON" in PublicKeyCredential &&
  "toJSON" in PublicKeyCredential.prototype;

/** Whether passkeys are offered where an e-mail is typed. */
export const offersPasskeys = async (): Promise<boolean> =>
  hasPasskeys && (await PublicKeyCredential.isConditionalMediationAvailable());

type Showing = {
  /** Only where she picks one among what the field of the e-mail offers: nothing appears before. */
  readonly isOffered?: true;
  readonly signal?: AbortSignal;
};

/** Any of hers on this page: the browser knows which there are, and the platform names none. */
export async function showPasskey({ isOffered, signal }: Showing = {}): Promise<ShownPasskey> {
  const question = await apiFor().call(routes.passkeyQuestion, { ...(signal && { signal }) });
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(question);
  const shown = await navigator.credentials.get({
    publicKey,
    ...(isOffered && { mediation: "conditional" as const }),
    ...(signal && { signal }),
  });
  return jsonOf<ShownPasskey>(shown);
}

export async function makePasskey(question: Reply<typeof routes.accountPasskeyOptions>): Promise<MadePasskey> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(question);
  return jsonOf<MadePasskey>(await navigator.credentials.create({ publicKey }));
}

function jsonOf<T>(credential: Credential | null): T {
  if (!(credential instanceof PublicKeyCredential)) throw new Error("the browser answered with no passkey");
  return credential.toJSON() as T; // the platform reads it, and refuses what is not of that shape
}

/** Why nothing came of it, where it is not the platform that says so: she did not want to, or the device has one already. */
export function unmade(error: unknown): "declined" | "known" | "abandoned" | undefined {
  if (!(error instanceof DOMException)) return undefined;
  switch (error.name) {
    case "NotAllowedError":
      return "declined";
    case "InvalidStateError":
      return "known";
    case "AbortError":
      return "abandoned";
    default:
      return undefined;
  }
}
