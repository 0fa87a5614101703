export { Groups } from "./groups.ts";
export { groupsIn, knownGroups } from "./postgres.ts";
export { groupRuling } from "./ruling.ts";
