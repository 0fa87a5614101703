export { AlteredRows, listed, soundOf, soundPageOf, soundReply, type Listed, type Sound } from "./listed.ts";
export { pageOf, type After, type Page } from "./page.ts";
export { QueryFailed, violates } from "./failure.ts";
export { AppendFailed, insertInto, type Append } from "./ingest.ts";
export { parseDatabaseUrl, placeOf, withoutPassword, type Login } from "./login.ts";
export type { Needs as StorageNeeds } from "./open.ts";
export { openKeyring } from "./keyring-waiting.ts";
export { Restoring } from "./restoring.ts";
export { snapshotBeside, type Sequence, type Snapshot, type Table } from "./snapshot.ts";
export { Storage } from "./storage.ts";
export type { Actor, Allowed, AuditEntry, InstanceUnit, OrgScope, Unit } from "./unit.ts";
export {
  Keyring,
  NoKeyring,
  parseKek,
  restoreKeyring,
  verifyBackup,
  type Past,
  type Revoked,
  type Ruled,
} from "./keyring/index.ts";
export { dataVersion, privateUid, runningPostgres, startPostgres, systemUser } from "./postgres/index.ts";
