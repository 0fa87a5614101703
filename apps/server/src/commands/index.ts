export { Commands } from "./commands.ts";
export { parseForeignReply, parseReply } from "./envelope.ts";
