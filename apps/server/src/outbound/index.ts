export { MailServer, NotTaken } from "./mail.ts";
export { Calls, Unreachable } from "./calls.ts";
export { OpenId, type Questions, type Registration, type Said } from "./open-id.ts";
export { NotAccepted } from "./open-id-words.ts";
export { tryOut, type Finding } from "./open-id-trial.ts";
export { NameUnknown, Names } from "./names.ts";
export { OwnListeners, TurnedAway, type Key } from "./own-listeners.ts";
export { isMailAddress, parseSender, parseSmtpUrl, type Sender, type SmtpAddress } from "./smtp-address.ts";
export { S3Store, type S3Place } from "./s3-store.ts";
