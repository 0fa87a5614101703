import { bytesOf, isRefusal, Refusal, type Id, type Kind } from "@holdfast/kernel";
import type { MadePasskey, ShownPasskey } from "@holdfast/protocol";
import { challengeLifetime, type Challenge } from "./challenge.ts";
import { rpIdsOf, type NewPasskey, type Passkey, type Signed, type Site } from "./passkey.ts";

/** Of the signatures that authenticators make: Ed25519, ES256 and RS256 (RFC 9053). */
const algorithms = [-8, -7, -257];

/** What the browser is to be told about a new passkey: found by the authenticator itself, with the person verified, and without a maker's certificate. */
export const creationOptions = (asked: {
  readonly challenge: Uint8Array;
  readonly rpId: string;
  readonly owner: Id<Kind>;
  /** What the browser calls her. */
  readonly login: string;
  readonly has: readonly Passkey[];
}) => ({
  challenge: base64url(asked.challenge),
  rp: { id: asked.rpId, name: asked.rpId },
  user: { id: handleOf(asked.owner), name: asked.login, displayName: asked.login },
  pubKeyCredParams: algorithms.map((alg) => ({ type: "public-key" as const, alg })),
  timeout: challengeLifetime,
  attestation: "none" as const,
  authenticatorSelection: {
    residentKey: "required" as const,
    requireResidentKey: true,
    userVerification: "required" as const,
  },
  excludeCredentials: asked.has
    .filter(({ rpId }) => rpId === asked.rpId)
    .map(({ credentialId: id, transports }) => ({ type: "public-key" as const, id, transports: [...transports] })),
});

/** No list of passkeys, whoever is asked about: a list would tell who has which. */
export const requestOptions = ({ challenge }: { readonly challenge: Uint8Array }) => ({
  challenge: base64url(challenge),
  timeout: challengeLifetime,
  userVerification: "required" as const,
});

/** The question that was answered, where it is one of ours. */
type QuestionIn<K extends Kind> = (challenge: Uint8Array) => Challenge<K> | undefined;

/** A passkey that was made for a question of ours. @throws Refusal `passkey.invalid` */
export async function readAttestation<K extends Kind>(
  answer: MadePasskey,
  site: Site,
  questionIn: QuestionIn<K>,
): Promise<{ readonly made: NewPasskey; readonly challenge: Challenge<K> }> {
  const { attestationObject, clientDataJSON, transports = [] } = answer.response;
  const { verifyRegistrationResponse, decodeAttestationObject } = await webauthn();
  return understood(async () => {
    const challenge = questionOf(clientDataJSON, questionIn);
    // A maker's certificate says nothing that we asked for, and is not followed to where it says it can be checked.
    const statement = decodeAttestationObject(bytesIn(attestationObject));
    const format = statement.get("fmt");
    const isPlain = format === "none" || (format === "packed" && statement.get("attStmt").get("x5c") === undefined);
    if (!isPlain)
      throw new Refusal("passkey.invalid", { detail: "It came with a certificate, which nobody asked for." });
    const { verified, registrationInfo: info } = await verifyRegistrationResponse({
      response: { ...answer, clientExtensionResults: {}, response: { clientDataJSON, attestationObject } },
      expectedChallenge: challenge.text,
      expectedOrigin: site.origin,
      expectedRPID: [...rpIdsOf(site)],
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    });
    if (!verified || info.rpID === undefined) throw new Refusal("passkey.invalid");
    const { id: credentialId, publicKey, counter } = info.credential;
    if (credentialId !== answer.id) throw new Refusal("passkey.invalid");
    const isBackedUp = info.credentialBackedUp;
    const made = { credentialId, publicKey: base64url(publicKey), rpId: info.rpID, counter, transports, isBackedUp };
    return { made, challenge: challenge.question };
  });
}

/**
 * What was signed with this passkey of hers, for a question of ours. Its counter is not judged here: only of what is signed can it be told.
 * @throws Refusal `credential.invalid`
 */
export async function readAssertion<K extends Kind>(
  answer: ShownPasskey,
  { passkey, owner }: { readonly passkey: Passkey; readonly owner: Id<Kind> },
  site: Site,
  questionIn: QuestionIn<K>,
): Promise<{ readonly signed: Signed; readonly challenge: Challenge<K> }> {
  const { authenticatorData, signature, clientDataJSON, userHandle } = answer.response;
  const { verifyAuthenticationResponse } = await webauthn();
  try {
    return await understood(async () => {
      const challenge = questionOf(clientDataJSON, questionIn);
      if (!rpIdsOf(site).includes(passkey.rpId)) throw new Refusal("passkey.invalid");
      // WebAuthn Level 3, 7.2, step 6: the passkey is of the user that the authenticator named.
      const isHers = userHandle === undefined || userHandle === null || userHandle === handleOf(owner);
      if (!isHers) throw new Refusal("passkey.invalid");
      const { verified, authenticationInfo: info } = await verifyAuthenticationResponse({
        response: {
          ...answer,
          clientExtensionResults: {},
          response: { clientDataJSON, authenticatorData, signature },
        },
        expectedChallenge: challenge.text,
        expectedOrigin: site.origin,
        expectedRPID: passkey.rpId,
        requireUserVerification: true,
        credential: { id: passkey.credentialId, publicKey: bytesIn(passkey.publicKey), counter: 0 },
      });
      if (!verified) throw new Refusal("passkey.invalid");
      const signed = { counter: info.newCounter, isBackedUp: info.credentialBackedUp };
      return { signed, challenge: challenge.question };
    });
  } catch (error) {
    if (!isRefusal(error, "passkey.invalid")) throw error;
    throw new Refusal("credential.invalid", { cause: error });
  }
}

/** Which question of ours the browser says it answers. @throws Refusal `passkey.invalid` */
function questionOf<K extends Kind>(clientDataJSON: string, questionIn: QuestionIn<K>) {
  const read: unknown = JSON.parse(new TextDecoder().decode(bytesIn(clientDataJSON)));
  if (typeof read !== "object" || read === null || !("challenge" in read)) throw new Refusal("passkey.invalid");
  // A page in a frame of another site's page asks there for what she thinks that other site asks (WebAuthn, 13.4.2).
  if ("crossOrigin" in read && read.crossOrigin === true)
    throw new Refusal("passkey.invalid", { detail: "It was asked for in a frame of another site's page." });
  const text = String(read.challenge);
  const question = questionIn(bytesIn(text));
  if (!question) throw new Refusal("passkey.invalid");
  return { text, question };
}

/** A tenth of a second and tens of megabytes, which a platform without such users does without. */
export async function webauthn() {
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

const base64url = (bytes: Uint8Array): string => bytes.toBase64({ alphabet: "base64url", omitPadding: true });
const bytesIn = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.fromBase64(text, { alphabet: "base64url" });
const handleOf = (owner: Id<Kind>): string => base64url(bytesOf(owner));
