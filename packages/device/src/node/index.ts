export { openJournal, type Sealing } from "./file-journal.ts";
export { openIdentity, type EnrolledIdentity, type Enrolment } from "./identity.ts";
export { listeningPorts } from "./ports.ts";
export { openRoots, type RootsOptions } from "./roots.ts";
