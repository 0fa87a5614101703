import path from "node:path";
import { Refusal } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import type { Globals } from "../command-line.ts";
import type { Place } from "../connection.ts";
import { Misuse } from "../failure.ts";
import { readAuthority, readNamed, readSecret } from "../own-files.ts";
import { file, onOff, optional, required, text } from "../parameter.ts";
import { writeProfile } from "../profile.ts";
import { ask } from "../prompt.ts";
import { verb } from "../verb.ts";
import type { World } from "../world.ts";

export const setupVerbs = [
  verb({
    name: "setup",
    summary: "Make the first person and the first organisation of a new platform",
    flags: {
      "ready-file": required(file, "what the platform wrote when it was ready (its --ready-file)"),
      email: required(text("E-MAIL"), "the first person"),
      "password-file": optional(file, "file with the password; - reads stdin; without it you are asked"),
      org: required(text("NAME"), "what the organisation is called"),
      login: onOff("also write the profile, like holdfast login"),
    },
    examples: ["setup --ready-file ready.json --email ada@example.com --password-file password --org Works"],
    async run({ "ready-file": readyFile, email, "password-file": passwordFile, org, login }, tools) {
      const { world, globals, print } = tools;
      const ready = readReady(readyFile);
      if (ready.secret === undefined) throw new Refusal("setup.done");
      const password =
        passwordFile === undefined
          ? await newPassword(world)
          : await readSecret(passwordFile, "--password-file", world.in);
      const place = placeBy(ready, globals);
      const client = tools.clientAt(place);
      const made = await client.call(routes.setUp, { body: { secret: ready.secret, email, password, org } });
      print.thing(made, [
        ["organisation", made.org],
        ["person", made.person],
        ["token", made.token],
        ["expires", print.at(made.expiresAt)],
      ]);
      print.secretNote("token");
      // After the token was shown: a profile that cannot be written must not cost it.
      if (login) {
        const { token, expiresAt } = made;
        writeProfile(world.environment.profileFile, { ...place, token, org: made.org, expiresAt });
        print.note("You are signed in here.");
      }
    },
  }),
];

type Ready = { readonly url: string; readonly caFile: string | undefined; readonly secret: string | undefined };

/** Where the platform is by its own words; flags win. @throws Misuse */
export function placeBy(ready: Ready, globals: Globals): Place {
  const flag = globals["ca-file"];
  const file = flag ?? ready.caFile;
  const ca = file && readAuthority(file, flag === undefined ? "caFile of the ready file" : "--ca-file");
  return { url: globals.url ?? ready.url, ca };
}

/** The parts of a ready file that matter here. @throws Misuse */
export function readReady(readyFile: string): Ready {
  const flag = "--ready-file";
  let read: unknown;
  try {
    read = JSON.parse(readNamed(readyFile, flag));
  } catch (error) {
    if (error instanceof Misuse) throw error;
    throw new Misuse(`${flag}: ${readyFile} is not what a platform writes when it is ready.`, { cause: error });
  }
  const field = (name: string): string | undefined => {
    const value: unknown = typeof read === "object" && read !== null ? Reflect.get(read, name) : undefined;
    return typeof value === "string" ? value : undefined;
  };
  const url = field("url");
  const caFile = field("caFile");
  if (url === undefined || !URL.canParse(url)) {
    throw new Misuse(`${flag}: ${readyFile} is not what a platform writes when it is ready.`);
  }
  // https://host:port/#setup=SECRET: what stands behind # never leaves by itself, so it reaches no log.
  const secret = field("setupLink")
    ?.split("#")[1]
    ?.replace(/^setup=/, "");
  return { url, caFile: caFile && path.resolve(path.dirname(readyFile), caFile), secret: secret || undefined };
}

async function newPassword(world: World): Promise<string> {
  const password = await ask(world, "Password (12 characters or more)", "hidden", "--password-file");
  const again = await ask(world, "The same again", "hidden", "--password-file");
  if (password !== again) throw new Misuse("These were two different passwords.");
  return password;
}
