import type { PrivateKey } from "@holdfast/client";
import type { Place, Shown } from "./connection.ts";
import { Hindrance } from "./failure.ts";
import { parsePrivateKey } from "./own-files.ts";
import { readProfile, removeProfile, writeProfile, type Profile } from "./profile.ts";
import type { World } from "./world.ts";

/** Where what opens is kept; for whoever wants to know, in words. */
export type Kept = { readonly where: "keyring" | "file"; readonly inWords: string };

type SignedIn = Shown & Place & { readonly org: string; readonly expiresAt: string | undefined };

/** Into the system's keyring, and the rest into the profile; all of it into the profile where there is no keyring, or none that works. */
export async function remember({ environment, keyring }: World, { token, key, ...place }: SignedIn): Promise<Kept> {
  const { profileFile, usesKeyring } = environment;
  const account = `${place.url} (${profileFile})`;
  const inFile = (because: string): Kept => {
    writeProfile(profileFile, { ...place, token, key });
    return { where: "file", inWords: `${profileFile}, which you alone may read: ${because}` };
  };
  if (!usesKeyring) return inFile("HOLDFAST_KEYRING says so");
  try {
    await keyring.put(account, JSON.stringify({ token, key }));
  } catch (error) {
    return inFile(`the system's keyring does not take it (${saidBy(error)})`);
  }
  writeProfile(profileFile, { ...place, keyring: account });
  return { where: "keyring", inWords: "the system's keyring" };
}

/** What a profile opens with. @throws Hindrance */
export async function shownBy(profile: Profile, { keyring }: Pick<World, "keyring">): Promise<Shown> {
  const { token, key } = profile;
  if (profile.keyring === undefined) return { token: token ?? "", key };
  const lost = (why: string, cause?: unknown) =>
    new Hindrance(`The system's keyring ${why}. Unlock it, or sign in again with holdfast login.`, { cause });
  let text: string | undefined;
  try {
    text = await keyring.get(profile.keyring);
  } catch (error) {
    throw lost(`does not answer (${saidBy(error)})`, error);
  }
  const kept = text === undefined ? undefined : parseKept(text);
  if (!kept) throw lost("has nothing of this profile");
  return kept;
}

/** Answers why the keyring still has it, if it does. */
export async function forget({ environment, keyring }: World, profile: Profile): Promise<string | undefined> {
  removeProfile(environment.profileFile);
  if (profile.keyring === undefined) return undefined;
  try {
    await keyring.forget(profile.keyring);
    return undefined;
  } catch (error) {
    return saidBy(error);
  }
}

export const profileOf = (world: World): Profile | undefined => readProfile(world.environment.profileFile);

function parseKept(text: string): { token: string; key: PrivateKey | undefined } | undefined {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined; // the caller says that it is not there
  }
  if (typeof read !== "object" || read === null || !("token" in read) || typeof read.token !== "string")
    return undefined;
  const key = "key" in read ? parsePrivateKey(JSON.stringify(read.key)) : undefined;
  return { token: read.token, key };
}

const saidBy = (error: unknown): string =>
  error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
