import path from "node:path";
import { Client, ProvingKey, type PrivateKey, type Transport } from "@holdfast/client";
import type { Clock } from "@holdfast/kernel";
import type { Globals } from "./command-line.ts";
import { Misuse } from "./failure.ts";
import { readAuthority, readPrivateKey, readSecret } from "./own-files.ts";
import type { Profile } from "./profile.ts";
import { shownBy } from "./signed-in.ts";
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

/** What is shown there, and what proves that it is whose it is. */
export type Shown = { readonly token: string; readonly key: PrivateKey | undefined };

/** A profile's key goes with its own token; with another one comes the key that is named beside it, or none. @throws Misuse when there is no token */
export async function credentialFor(
  url: string,
  globals: Globals,
  world: World,
  profile: Profile | undefined,
): Promise<Shown> {
  const { environment } = world;
  const file = globals["token-file"];
  const own = isAt(profile, url) ? profile : undefined;
  const named = file === undefined ? environment.token : await readSecret(file, "--token-file", world.in);
  const keyFile = globals["key-file"] ?? environment.keyFile;
  const calledBy = globals["key-file"] === undefined ? "HOLDFAST_KEY_FILE" : "--key-file";
  const key = keyFile === undefined ? undefined : readPrivateKey(keyFile, calledBy);
  if (named !== undefined) return { token: named, key };
  if (own) {
    const kept = await shownBy(own, world);
    return { ...kept, key: key ?? kept.key };
  }
  throw new Misuse(
    `Who are you at ${new URL(url).origin}? Sign in with holdfast login, or give HOLDFAST_TOKEN or --token-file.`,
  );
}

/** A client at a place, as itself or as nobody. @throws Misuse */
export function connect(place: Place, shown: Shown | undefined, transport: Transport, clock: Clock): Client {
  const key = shown?.key && new ProvingKey(shown.key, clock);
  try {
    return new Client({ url: place.url, token: shown?.token, key, transport });
  } catch (error) {
    if (error instanceof TypeError) throw new Misuse(error.message, { cause: error });
    throw error;
  }
}

function isAt(profile: Profile | undefined, url: string): profile is Profile {
  return profile !== undefined && new URL(profile.url).href === new URL(url).href;
}
