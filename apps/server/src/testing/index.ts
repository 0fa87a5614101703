export { TestClock } from "./clock.ts";
export { asOwner } from "./cluster.ts";
export { atEnd, emptyDatabase, freshDatabase, type FreshDatabase } from "./database.ts";
export { freshStorage, openKeys, type FreshStorage } from "./storage.ts";
export { startTestPlatform, type Given, type TestPlatform } from "./platform.ts";
export { Visitor, type Answer, type Welcome } from "./visitor.ts";
