export { parsePatch, readPatch } from "./document.ts";
export { listeningIn } from "./postgres.ts";
export { Twins } from "./twins.ts";
export { parseAttributesRequest } from "./foreign.ts";
