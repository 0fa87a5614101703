export type { SecretPlace } from "./built-in.ts";
export { fingerprint, type CertificateInfo } from "./certificate.ts";
export { Certificates, type CertificateEvent, type CertificateNeeds, type CertificateStatus } from "./certificates.ts";
export type { CertificateFiles } from "./files.ts";
export { expectedNames, thisMachine, type Reachable } from "./names.ts";
export { systemTimers, type Timers } from "./timers.ts";
