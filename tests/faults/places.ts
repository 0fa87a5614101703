/** Where `killed-server.ts` can end itself: under load, and at a start. */
export const placesUnderLoad = [
  "append sent",
  "append committed",
  "chunks inserted",
  "series moved on",
  "chunks committed",
  "segment key made",
  "segment opened",
  "segment dropped",
  "segment key destroyed",
  "epoch added",
  "keys rewrapped",
  "epoch dropped",
  "keyring writing",
  "keyring written",
] as const;

export const placesAtStart = [
  "statement done",
  "log read",
  "segment key made",
  "segment opened",
  "keyring writing",
  "keyring written",
] as const;

/** Beside "append sent" and "append committed", where sessions outlive their connections. */
export const placesOfMessages = ["append sent", "append committed", "message log read", "message log cut"] as const;

/** Where frames of direct sockets come: what was kept of them is read, and written anew. */
export const placesOfSockets = [
  "socket log cut",
  "append committed",
  "socket log written anew",
  "append sent",
  "socket log read",
] as const;

/** While chunks are joined, moved to the object store and removed, and while a device is erased. */
export const placesOfCare = [
  "chunks joined",
  "join committed",
  "object begun",
  "object written",
  "object read back",
  "chunks moved",
  "move committed",
  "chunks expired",
  "month dropped",
  "object removed",
  "erasure marked",
  "erasure committed",
  "device key destroyed",
  "erased chunks removed",
] as const;

/** While a device is erased whose messages somebody is owed. */
export const placesOfErasure = [
  "erasure marked",
  "erasure committed",
  "device key destroyed",
  "message key made",
  "message log cut",
  "message key destroyed",
] as const;

/** While tasks are put, leased, renewed, answered and given back: before it is committed, and before anybody is told. */
export const placesOfTasks = ["task written", "task committed"] as const;

/** Between a commit and what the keyring's journal is told of it. */
export const placeOfRulings = "journal writing";

export type Place =
  | (typeof placesUnderLoad)[number]
  | (typeof placesAtStart)[number]
  | (typeof placesOfMessages)[number]
  | (typeof placesOfSockets)[number]
  | (typeof placesOfCare)[number]
  | (typeof placesOfErasure)[number]
  | (typeof placesOfTasks)[number]
  | typeof placeOfRulings;

/** Where `killed-backup.ts` can: half of the first piece is on the disk; all of it is, and was read back; it has its own name, and that of a draft as well. */
export const placesOfBackup = ["half written", "read back", "named"] as const;
export type PlaceOfBackup = (typeof placesOfBackup)[number];
