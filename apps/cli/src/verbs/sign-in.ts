import { ApiProblem, NotReached, type Client } from "@holdfast/client";
import type { Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { byBrowser } from "../by-browser.ts";
import { credentialFor, placeOf } from "../connection.ts";
import { Hindrance, Misuse } from "../failure.ts";
import { readSecret } from "../own-files.ts";
import { any, duration, file, idOf, onOff, optional, text } from "../parameter.ts";
import type { Profile } from "../profile.ts";
import { ask, askSecret } from "../prompt.ts";
import { withCode } from "../second-factor.ts";
import { forget, profileOf, remember, shownBy } from "../signed-in.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";
import { placeBy, readReady } from "./setup.ts";

export const signInVerbs = [
  verb({
    name: "login",
    summary: "Sign in by a browser, so that later calls know where the platform is and who you are",
    flags: {
      grant: any(text("GRANT"), "what it may be used for; without it all that you may; may be given more than once"),
      expires: optional(duration, "how long it lasts, 24h when nobody says otherwise; by a browser 30d at most"),
      open: onOff("also opens the page in the browser of this machine"),
      email: optional(text("E-MAIL"), "sign in here by e-mail and password instead"),
      "password-file": optional(file, "file with the password; - reads stdin; without it you are asked"),
      "code-file": optional(file, "file with a code of your authenticator app, or a recovery code; asked where needed"),
      org: optional(idOf("org"), "with a password: the organisation, when you belong to several"),
      "ready-file": optional(file, "take the address and the authority from what the platform wrote"),
    },
    examples: [
      "login --url https://localhost:8443 --ca-file ca.pem",
      "login --grant device.read --grant telemetry.read --expires 7d --open",
      "login --email ada@example.com --password-file password",
      "login --token-file token --key-file key.pem",
    ],
    async run({ "ready-file": readyFile, ...given }, tools) {
      const { world, globals, print } = tools;
      const place =
        readyFile === undefined ? placeOf(globals, world, profileOf(world)) : placeBy(readReady(readyFile), globals);
      const shown =
        globals["token-file"] === undefined
          ? { token: await tokenOf(tools, tools.clientAt(place), given), key: undefined }
          : await credentialFor(place.url, globals, world, undefined);
      const { org, expiresAt } = await tools.clientAt(place, shown).call(routes.whoAmI);
      const kept = await remember(world, { ...place, ...shown, org, expiresAt });
      print.thing({ url: place.url, org, ...(expiresAt !== undefined && { expiresAt }), kept: kept.where }, [
        ["signed in at", place.url],
        ["organisation", org],
        ["until", print.at(expiresAt)],
        ["kept in", kept.inWords],
      ]);
    },
  }),
  verb({
    name: "logout",
    summary: "Forget the profile, and end its credential",
    async run(_, tools) {
      const { world, print } = tools;
      const profile = profileOf(world);
      if (!profile) return print.thing({ signedIn: false }, [["signed in", "no"]]);
      let notEnded: string | undefined;
      try {
        notEnded = await end(tools, profile);
      } finally {
        // Whatever becomes of the credential: who signs out here is signed out here.
        await forgotten(tools, profile);
      }
      if (notEnded !== undefined) print.note(`The profile is gone, but its credential could not be ended: ${notEnded}`);
      const revoked = notEnded === undefined;
      print.thing({ signedIn: false, revoked }, [
        ["signed in", "no"],
        ["credential", revoked ? "revoked" : "not revoked"],
      ]);
    },
  }),
  verb({
    name: "whoami",
    summary: "Say who your credential says you are, and what you may do",
    async run(_, tools) {
      const me = await (await tools.client()).call(routes.whoAmI);
      tools.print.thing(me, [
        ["credential", me.credential],
        ["kind", me.kind],
        ["organisation", me.org],
        ["person", me.person ?? ""],
        ["application", me.application ?? ""],
        ["device", me.device ?? ""],
        ["expires", tools.print.at(me.expiresAt)],
        ["may", me.grants.join(" ")],
      ]);
    },
  }),
];

type Asked = {
  readonly grant: readonly string[];
  readonly expires: string | undefined;
  readonly open: boolean;
  readonly email: string | undefined;
  readonly "password-file": string | undefined;
  readonly "code-file": string | undefined;
  readonly org: Id<"org"> | undefined;
};

/** By a browser, or by e-mail and password where one of them is named. @throws Misuse for what goes with the other way */
async function tokenOf(tools: Tools, client: Client, asked: Asked): Promise<string> {
  const { grant, expires, open, email, "password-file": passwordFile, "code-file": codeFile, org } = asked;
  if (email === undefined && passwordFile === undefined) {
    if (org !== undefined)
      throw new Misuse("--org goes with --email: in the browser you choose the organisation there.");
    return byBrowser(tools, client, { grants: grant, lifetime: expires, opens: open });
  }
  if (open) throw new Misuse("--open goes with signing in by a browser: leave --email and --password-file out.");
  const { world } = tools;
  const who = email ?? (await ask(world, "E-mail", "shown", "--email"));
  const password = await askSecret(world, "Password", "--password-file", passwordFile);
  const grants = grant.length > 0 ? { grants: [...grant] } : {};
  const body = { email: who, password, org, ...grants, expiresIn: expires, name: "holdfast login" };
  const given = codeFile === undefined ? undefined : await readSecret(codeFile, "--code-file", world.in);
  const signIn = (code: string | undefined) => client.call(routes.signIn, { body: { ...body, code } });
  return (await withCode(world, given, signIn)).token;
}

async function forgotten({ world, print }: Tools, profile: Profile): Promise<void> {
  const stillKept = await forget(world, profile);
  if (stillKept !== undefined) print.note(`The system's keyring still has it: ${stillKept}`);
}

/** A token is given back by whoever holds it; another credential is ended by whoever may. Answers why it was not. */
async function end(tools: Tools, profile: Profile): Promise<string | undefined> {
  try {
    const shown = await shownBy(profile, tools.world);
    const client = tools.clientAt({ url: profile.url, ca: profile.ca }, shown);
    if (shown.token.startsWith("hf_")) await client.call(routes.revokeToken, { body: { token: shown.token } });
    else {
      const { credential } = await client.call(routes.whoAmI);
      await client.call(routes.revokeCredential, { params: { credential } });
    }
    return undefined;
  } catch (error) {
    if (error instanceof ApiProblem || error instanceof NotReached || error instanceof Hindrance) return error.message;
    throw error;
  }
}
