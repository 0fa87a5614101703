import { version3 } from "./version-3.ts";
import { version5 } from "./version-5.ts";

/** Whom a statement binds. `embedder` is whoever hands the broker its streams; `nobody` is here, because its condition does not hold. */
export type Bound = "server" | "client" | "both" | "embedder" | "nobody";

/** The id without `MQTT-`, whom it binds, and what it is about: in our words, never the standard's. */
export type Statement = readonly [id: string, binds: Bound, about: string];

export type Version = "5.0" | "3.1.1";

export const standards: readonly { readonly version: Version; readonly statements: readonly Statement[] }[] = [
  { version: "5.0", statements: version5 },
  { version: "3.1.1", statements: version3 },
];

/** Whether the statement needs a test here. */
export const isOurs = ([, binds]: Statement): boolean => binds !== "client" && binds !== "nobody";
