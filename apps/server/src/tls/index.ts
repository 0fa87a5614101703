export type { SecretPlace } from "./kept.ts";
export { fingerprint, type CertificateInfo } from "./certificate.ts";
export { Certificates, type CertificateEvent, type CertificateNeeds } from "./certificates.ts";
export { expectedNames, thisMachine } from "./names.ts";
export { Signing } from "./signing.ts";
export { tlsFacts } from "./settings.ts";
export { x509 } from "./sign.ts";
export { bringSpareBack, takeSpareOut } from "./spare.ts";
export type { Step } from "./source.ts";
