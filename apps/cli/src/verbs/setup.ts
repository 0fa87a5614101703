import path from "node:path";
import { Refusal } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import type { Globals } from "../command-line.ts";
import type { Place } from "../connection.ts";
import { Misuse } from "../failure.ts";
import { readAuthority, readNamed, readSecret } from "../own-files.ts";
import { file, onOff, optional, required, text } from "../parameter.ts";
import { ask } from "../prompt.ts";
import { remember } from "../signed-in.ts";
import { verb } from "../verb.ts";
import type { World } from "../world.ts";

export const setupVerbs = [
  verb({
    name: "setup",
    summary: "Make the first person and the first organisation of a new platform",
    flags: {
      "ready-file": optional(file, "what the platform wrote when it was ready (its --ready-file)"),
      link: optional(text("LINK"), "the set-up link instead; - reads stdin; without either you are asked for it"),
      email: required(text("E-MAIL"), "the first person"),
      "password-file": optional(file, "file with the password; - reads stdin; without it you are asked"),
      org: required(text("NAME"), "what the organisation is called"),
      fleet: onOff("also a dozen simulated devices, in an organisation of their own"),
      login: onOff("also write the profile, like holdfast login"),
    },
    examples: [
      "setup --ready-file ready.json --email ada@example.com --password-file password --org Works",
      "setup --ca-file ca.pem --email ada@example.com --org Works",
    ],
    async run({ "ready-file": readyFile, link, email, "password-file": passwordFile, org, fleet, login }, tools) {
      const { world, globals, print } = tools;
      if (link === "-" && passwordFile === "-") {
        throw new Misuse("--link and --password-file cannot both read stdin: put one of them into a file.");
      }
      const ready = await readyBy(readyFile, link, world);
      if (ready.secret === undefined) throw new Refusal("setup.done");
      const password =
        passwordFile === undefined
          ? await newPassword(world)
          : await readSecret(passwordFile, "--password-file", world.in);
      const place = placeBy(ready, globals);
      const client = tools.clientAt(place);
      const body = { secret: ready.secret, email, password, org, fleet };
      const made = await client.call(routes.setUp, { body });
      print.thing(made, [
        ["organisation", made.org],
        ["simulated fleet", made.fleet ?? ""],
        ["person", made.person],
        ["token", made.token],
        ["expires", print.at(made.expiresAt)],
      ]);
      print.secretNote("token");
      // After the token was shown: a profile that cannot be written must not cost it.
      if (login) {
        const { token, expiresAt } = made;
        const kept = await remember(world, { ...place, token, key: undefined, org: made.org, expiresAt });
        print.note(`You are signed in here, kept in ${kept.inWords}.`);
      }
    },
  }),
];

type Ready = {
  readonly url: string;
  readonly mqttsUrl?: string | undefined;
  readonly caFile: string | undefined;
  readonly secret: string | undefined;
};

/** From the ready file, or from the link that the platform showed on its terminal. @throws Misuse */
async function readyBy(readyFile: string | undefined, link: string | undefined, world: World): Promise<Ready> {
  if (readyFile !== undefined && link !== undefined) throw new Misuse("--ready-file holds the link: give one of both.");
  if (readyFile !== undefined) return readReady(readyFile);
  if (link === undefined) return readLink(await ask(world, "Set-up link", "hidden", "--ready-file or --link"), world);
  return readLink(link === "-" ? await readSecret("-", "--link", world.in) : link, world);
}

/** https://host:port/#setup=SECRET. It opens a platform, so no refusal quotes it. */
function readLink(link: string, { environment }: World): Ready {
  const { protocol = "", origin = "", hash = "" } = URL.parse(link.trim()) ?? {};
  const secret = /^#setup=(.+)$/.exec(hash)?.[1];
  if (!/^https?:$/.test(protocol) || secret === undefined) {
    throw new Misuse("That is no set-up link: it looks like https://HOST:PORT/#setup=…");
  }
  return { url: origin, caFile: environment.caFile, secret };
}

/** Where the platform is by its own words; flags win. @throws Misuse */
export function placeBy(ready: Ready, globals: Globals): Place {
  const flag = globals["ca-file"];
  const file = flag ?? ready.caFile;
  const ca =
    file && readAuthority(file, flag === undefined ? "HOLDFAST_CA_FILE, or caFile of the ready file" : "--ca-file");
  return { url: globals.url ?? ready.url, ca, caFile: file && path.resolve(file), mqttsUrl: ready.mqttsUrl };
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
  const mqttsUrl = field("mqttsUrl");
  return {
    url,
    ...(mqttsUrl !== undefined && URL.canParse(mqttsUrl) && { mqttsUrl }),
    caFile: caFile && path.resolve(path.dirname(readyFile), caFile),
    secret: secret || undefined,
  };
}

async function newPassword(world: World): Promise<string> {
  const password = await ask(world, "Password (12 characters or more)", "hidden", "--password-file");
  const again = await ask(world, "The same again", "hidden", "--password-file");
  if (password !== again) throw new Misuse("These were two different passwords.");
  return password;
}
