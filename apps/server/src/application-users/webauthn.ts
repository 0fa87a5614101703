import { Refusal } from "@holdfast/kernel";
import type { MadePasskey, ShownPasskey } from "@holdfast/protocol";
import { rpIdsOf, type Passkey, type Signed, type Site } from "./passkey.ts";

/** Of the signatures that authenticators make: Ed25519, ES256 and RS256 (RFC 9053). */
const algorithms = [-8, -7, -257];

/** What the browser is to be told about a new passkey: found by the authenticator itself, with the person verified, and without a maker's certificate. */
export const creationOptions = (asked: {
  readonly challenge: Uint8Array;
  readonly rpId: string;
  readonly user: { readonly handle: Uint8Array; readonly login: string };
  readonly has: readonly Passkey[];
  readonly timeout: number;
}) => ({
  challenge: base64url(asked.challenge),
  rp: { id: asked.rpId, name: asked.rpId },
  user: { id: base64url(asked.user.handle), name: asked.user.login, displayName: asked.user.login },
  pubKeyCredParams: algorithms.map((alg) => ({ type: "public-key" as const, alg })),
  timeout: asked.timeout,
  attestation: "none" as const,
  authenticatorSelection: {
    residentKey: "required" as const,
    requireResidentKey: true,
    userVerification: "required" as const,
  },
  excludeCredentials: asked.has.map(({ credentialId: id, transports }) => ({
    type: "public-key" as const,
    id,
    transports: [...transports],
  })),
});

/** No list of passkeys, whoever is asked about: a list would tell who has which. */
export const requestOptions = (asked: {
  readonly challenge: Uint8Array;
  readonly rpId: string;
  readonly timeout: number;
}) => ({
  challenge: base64url(asked.challenge),
  rpId: asked.rpId,
  timeout: asked.timeout,
  userVerification: "required" as const,
});

/** Whether the question that was answered is ours. */
type IsOurs = (challenge: Uint8Array) => boolean;

type NewPasskey = Pick<Passkey, "credentialId" | "publicKey" | "rpId" | "counter" | "transports" | "isBackedUp">;

/** @throws Refusal `passkey.invalid` */
export async function readAttestation(answer: MadePasskey, site: Site, isOurs: IsOurs): Promise<NewPasskey> {
  const { attestationObject, clientDataJSON, transports = [] } = answer.response;
  const { verifyRegistrationResponse, decodeAttestationObject } = await library();
  return understood(async () => {
    refuseFrame(clientDataJSON);
    // A maker's certificate says nothing that we asked for, and is not followed to where it says it can be checked.
    const statement = decodeAttestationObject(bytesIn(attestationObject));
    const format = statement.get("fmt");
    const isPlain = format === "none" || (format === "packed" && statement.get("attStmt").get("x5c") === undefined);
    if (!isPlain)
      throw new Refusal("passkey.invalid", { detail: "It came with a certificate, which nobody asked for." });
    const { verified, registrationInfo: info } = await verifyRegistrationResponse({
      response: { ...answer, clientExtensionResults: {}, response: { clientDataJSON, attestationObject } },
      expectedChallenge: (text) => isOurs(bytesIn(text)),
      expectedOrigin: site.origin,
      expectedRPID: [...rpIdsOf(site)],
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    });
    if (!verified || info.rpID === undefined) throw new Refusal("passkey.invalid");
    const { id: credentialId, publicKey, counter } = info.credential;
    if (credentialId !== answer.id) throw new Refusal("passkey.invalid");
    const isBackedUp = info.credentialBackedUp;
    return { credentialId, publicKey: base64url(publicKey), rpId: info.rpID, counter, transports, isBackedUp };
  });
}

/** What was signed with this passkey. Its counter is not judged here: only of what is signed can it be told. @throws Refusal `passkey.invalid` */
export async function readAssertion(
  answer: ShownPasskey,
  passkey: Passkey,
  site: Site,
  isOurs: IsOurs,
): Promise<Signed> {
  const { authenticatorData, signature, clientDataJSON } = answer.response;
  const { verifyAuthenticationResponse } = await library();
  return understood(async () => {
    refuseFrame(clientDataJSON);
    if (!rpIdsOf(site).includes(passkey.rpId)) throw new Refusal("passkey.invalid");
    const { verified, authenticationInfo: info } = await verifyAuthenticationResponse({
      response: {
        ...answer,
        clientExtensionResults: {},
        response: { clientDataJSON, authenticatorData, signature },
      },
      expectedChallenge: (text) => isOurs(bytesIn(text)),
      expectedOrigin: site.origin,
      expectedRPID: passkey.rpId,
      requireUserVerification: true,
      credential: { id: passkey.credentialId, publicKey: bytesIn(passkey.publicKey), counter: 0 },
    });
    if (!verified) throw new Refusal("passkey.invalid");
    return { counter: info.newCounter, isBackedUp: info.credentialBackedUp };
  });
}

/** A page in a frame of another site's page asks there for what she thinks that other site asks (WebAuthn, 13.4.2). */
function refuseFrame(clientDataJSON: string): void {
  const read: unknown = JSON.parse(new TextDecoder().decode(bytesIn(clientDataJSON)));
  const isFramed = typeof read === "object" && read !== null && "crossOrigin" in read && read.crossOrigin === true;
  if (isFramed) throw new Refusal("passkey.invalid", { detail: "It was asked for in a frame of another site's page." });
}

/** A tenth of a second and tens of megabytes, which a platform without such users does without. */
async function library() {
  const [main, { decodeAttestationObject }] = await Promise.all([
    import("@simplewebauthn/server"),
    import("@simplewebauthn/server/helpers"),
  ]);
  return { ...main, decodeAttestationObject };
}

/** All that the library throws is about what it was given. */
async function understood<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Refusal ? error : new Refusal("passkey.invalid", { cause: error });
  }
}

export const base64url = (bytes: Uint8Array): string => bytes.toBase64({ alphabet: "base64url", omitPadding: true });
const bytesIn = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.fromBase64(text, { alphabet: "base64url" });
