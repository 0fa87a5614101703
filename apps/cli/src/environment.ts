import { homedir } from "node:os";
import path from "node:path";

/** What the environment says. Read here and nowhere else. */
export type Environment = {
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly caFile: string | undefined;
  /** The private key that the token is bound to. */
  readonly keyFile: string | undefined;
  /** Where the profile is (XDG Base Directory Specification). */
  readonly profileFile: string;
  /** What opens is kept in the system's keyring where there is one. */
  readonly usesKeyring: boolean;
  /** Nobody asked for plain text (no-color.org). */
  readonly mayColour: boolean;
};

export function readEnvironment(env: Readonly<Record<string, string | undefined>> = process.env): Environment {
  // An empty variable says nothing; so does a relative XDG folder, by its specification.
  const given = (name: string): string | undefined => env[name] || undefined;
  const xdg = given("XDG_CONFIG_HOME");
  const config = xdg && path.isAbsolute(xdg) ? xdg : path.join(given("HOME") ?? homedir(), ".config");
  return {
    url: given("HOLDFAST_URL"),
    token: given("HOLDFAST_TOKEN"),
    caFile: given("HOLDFAST_CA_FILE"),
    keyFile: given("HOLDFAST_KEY_FILE"),
    profileFile: path.join(config, "holdfast", "profile.json"),
    usesKeyring: given("HOLDFAST_KEYRING") !== "no",
    mayColour: given("NO_COLOR") === undefined && given("TERM") !== "dumb",
  };
}
