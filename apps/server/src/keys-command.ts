import { defaultData, keysOption, type Config } from "./config.ts";
import { quoted, typed } from "./shell.ts";
import { withoutPassword } from "./storage/index.ts";

/**
 * The line that runs `holdfast keys` on the keys of this platform and no other's: it names whatever the command would not take by itself. A URL
 * stands in the environment, where other users do not see the password that goes into it.
 */
export function keysCommand(
  what: string,
  { data, keys, keyringUrl }: Pick<Config, "data" | "keys" | "keyringUrl">,
  folder: string,
): string {
  return [
    ...(keyringUrl === undefined ? [] : [`HOLDFAST_KEYRING_URL=${quoted(withoutPassword(keyringUrl))}`]),
    `npx holdfast keys ${what}`,
    ...(data === defaultData ? [] : [`--data ${typed(data, folder)}`]),
    ...(keysOption({ data, keys }) === "--data" ? [] : [`--keys ${typed(keys, folder)}`]),
  ].join(" ");
}
