import path from "node:path";
import { Client, type Transport } from "@holdfast/client";
import type { Globals } from "./command-line.ts";
import { Misuse } from "./failure.ts";
import { readAuthority, readSecret } from "./own-files.ts";
import { readProfile, type Profile } from "./profile.ts";
import type { World } from "./world.ts";

/** Where the platform is and who is trusted to be it. */
export type Place = {
  readonly url: string;
  readonly ca: string | undefined;
  /** Where the authority's text came from, for other programs. */
  readonly caFile?: string | undefined;
  /** For devices; `undefined` when nobody said it. */
  readonly mqttsUrl?: string | undefined;
};

/**
 * By the flags, else by the environment, else by the profile. What a profile trusts and holds goes to its own address
 * and to no other.
 * @throws Misuse
 */
export function placeOf(globals: Globals, { environment }: World, profile: Profile | undefined): Place {
  const url = globals.url ?? environment.url ?? profile?.url;
  if (url === undefined) {
    throw new Misuse("Where is the platform? Give --url or HOLDFAST_URL, or sign in with holdfast login.");
  }
  if (!/^https?:/i.test(url) || !URL.canParse(url)) throw new Misuse(`"${url}" is no address like https://host:8443`);
  const { ca, caFile, mqttsUrl } = isAt(profile, url) ? profile : {};
  const file = globals["ca-file"] ?? environment.caFile;
  if (file === undefined) return { url, ca, caFile, mqttsUrl };
  const named = globals["ca-file"] === undefined ? "HOLDFAST_CA_FILE" : "--ca-file";
  return { url, ca: readAuthority(file, named), caFile: path.resolve(file), mqttsUrl };
}

/** The credential to show there. @throws Misuse when there is none */
export async function tokenFor(
  url: string,
  globals: Globals,
  world: World,
  profile: Profile | undefined,
): Promise<string> {
  const file = globals["token-file"];
  const token =
    file === undefined
      ? (world.environment.token ?? (isAt(profile, url) ? profile.token : undefined))
      : await readSecret(file, "--token-file", world.in);
  if (token !== undefined) return token;
  throw new Misuse(
    `Who are you at ${new URL(url).origin}? Sign in with holdfast login, or give HOLDFAST_TOKEN or --token-file.`,
  );
}

/** A client at a place, as itself or as nobody. @throws Misuse */
export function connect(place: Place, token: string | undefined, transport: Transport): Client {
  try {
    return new Client({ url: place.url, token, transport });
  } catch (error) {
    if (error instanceof TypeError) throw new Misuse(error.message, { cause: error });
    throw error;
  }
}

export const profileOf = (world: World): Profile | undefined => readProfile(world.environment.profileFile);

function isAt(profile: Profile | undefined, url: string): profile is Profile {
  return profile !== undefined && new URL(profile.url).href === new URL(url).href;
}
