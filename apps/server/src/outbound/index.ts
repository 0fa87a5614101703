export { MailServer, NotTaken } from "./mail.ts";
export { OwnListeners, TurnedAway, type Key } from "./own-listeners.ts";
export { isMailAddress, parseSender, parseSmtpUrl, type Sender, type SmtpAddress } from "./smtp-address.ts";
