export { pageOf, type After, type Page } from "./page.ts";
export { QueryFailed, violates } from "./failure.ts";
export { AppendFailed, insertInto, type Append } from "./ingest.ts";
export { parseDatabaseUrl, placeOf, withoutPassword, type Login } from "./login.ts";
export type { Needs as StorageNeeds } from "./open.ts";
export { Storage } from "./storage.ts";
export type { Actor, Allowed, AuditEntry, InstanceUnit, OrgScope, Unit } from "./unit.ts";
export { Keyring, NoKeyring, parseKek, restoreKeyring, verifyBackup } from "./keyring/index.ts";
export { dataVersion, startPostgres, systemUser } from "./postgres/index.ts";
