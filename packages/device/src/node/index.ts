export { openJournal, type Sealing } from "./file-journal.ts";
