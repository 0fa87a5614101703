export { parsePatch, readPatch } from "./document.ts";
export { Twins } from "./twins.ts";
export { parseAttributesRequest } from "./foreign.ts";
