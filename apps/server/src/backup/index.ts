export type { Summary } from "./format.ts";
export { makeBackup } from "./making.ts";
export { verifyBackup } from "./reader.ts";
export { restoreBackup, type Restored } from "./restoring.ts";
