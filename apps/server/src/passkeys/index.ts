export { answeredIn, askedAs, challengeSkew, newChallenge, type Challenge } from "./challenge.ts";
export {
  begun,
  mostPasskeys,
  passkeyReply,
  renamed,
  used,
  wantedRpId,
  type NewPasskey,
  type Passkey,
  type Site,
} from "./passkey.ts";
export { creationOptions, readAssertion, readAttestation, requestOptions, webauthn } from "./webauthn.ts";
