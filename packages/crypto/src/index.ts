export { commonDigest, isCommonPassword, loadCommonPasswords } from "./common-passwords.ts";
export { blindIndex, derive } from "./derive.ts";
export { digestForDpop, dpopAlgorithms, readDpop, readFirstDpop, type DpopClaims } from "./dpop.ts";
export {
  addressIn,
  BootKeys,
  bytesOfAddress,
  longestFrame,
  readFrame,
  secretLength,
  type Frame,
  type Outcome,
} from "./frame.ts";
export { credentialIn, scrub } from "./leak.ts";
export { base32, newTotpSecret, stepOfCode, totpStep, totpUri } from "./one-time-password.ts";
export { logoutTokenLifetime, readLogoutToken, type LogoutToken } from "./logout-token.ts";
export { openWithPassphrase, sealWithPassphrase } from "./passphrase.ts";
export type { Cost } from "./argon2.ts";
export { Passwords } from "./password.ts";
export { associated, open, seal, sealOverhead, unlessBroken, type Belongs, type SealKey } from "./seal.ts";
export { StreamOpener, streamChunk, StreamSealer } from "./stream.ts";
export { digestSecret, isSecret, newSecret, secretAfter, secretMatches, type SecretKind } from "./secret.ts";
export { formatSocketSecret, newSocketSecret, parseSocketSecret, type SocketSecret } from "./socket-secret.ts";
export { mintToken, newKid, newNonce, openToken, parseToken, type ParsedToken, type TokenClaims } from "./token.ts";
export {
  isCertificateOf,
  parsePublicKey,
  pinOf,
  proofBytes,
  proofLabel,
  proofMessage,
  proofMethod,
  proves,
  publicKeyIn,
  publicKeyOf,
  thumbprint,
  type ProofOf,
  type PublicKey,
} from "./proof.ts";
