export { Commands } from "./commands.ts";
export { parseReply } from "./envelope.ts";
