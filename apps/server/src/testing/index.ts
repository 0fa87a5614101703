export { TestClock } from "./clock.ts";
export { asOwner } from "./cluster.ts";
export { atEnd, freshDatabase, waitingFor, type FreshDatabase } from "./database.ts";
export { freshStorage, openKeys } from "./storage.ts";
export { startTestPlatform, type TestPlatform } from "./platform.ts";
export { Visitor, type Answer, type Welcome } from "./visitor.ts";
export { linkIn, Mailbox } from "./mailbox.ts";
export { failing, startNameServer, type NameServer } from "./name-server.ts";
export { ProvingLine, signed } from "./proving-line.ts";
