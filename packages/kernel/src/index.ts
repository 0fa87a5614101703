export { newKeyAndRequest, requestOf, type KeyAndRequest } from "./certificate-request.ts";
export { instantOf, parseInstant, rfc3339, systemClock, type Clock, type Instant } from "./clock.ts";
export { faultOfSecret, isBroughtSecret } from "./brought-secret.ts";
export { csvCell, parseCsv } from "./csv.ts";
export {
  bytesOf,
  idFrom,
  isId,
  kindOfId,
  newId,
  parseId,
  uuidOf,
  type CredentialId,
  type Id,
  type Kind,
} from "./id.ts";
export { systemRandom, type Random } from "./random.ts";
export {
  isRefusal,
  Refusal,
  refusalCodes,
  sentenceOf,
  type Fault,
  type RefusalCode,
  type RefusalOptions,
} from "./refusal.ts";
export { because, type About, type Level, type Report } from "./report.ts";
export { deepestJson, isSoundJson } from "./sound-json.ts";
export { systemTimers, type Timers } from "./timers.ts";
