export { TestClock } from "./clock.ts";
export { asOwner } from "./cluster.ts";
export { emptyDatabase, freshDatabase, type FreshDatabase } from "./database.ts";
export { freshStorage, openKeys, type FreshStorage } from "./storage.ts";
