export { parseKek } from "./kek.ts";
export { Keyring } from "./keyring.ts";
export type { KeyKind, Revocation } from "./store.ts";
