import { ApiProblem, NotReached } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { credentialFor, placeOf, profileOf, type Shown } from "../connection.ts";
import { readSecret } from "../own-files.ts";
import { duration, file, idOf, optional, text } from "../parameter.ts";
import { removeProfile, writeProfile } from "../profile.ts";
import { ask } from "../prompt.ts";
import { verb } from "../verb.ts";
import { placeBy, readReady } from "./setup.ts";

export const signInVerbs = [
  verb({
    name: "login",
    summary: "Sign in, so that later calls know where the platform is and who you are",
    flags: {
      email: optional(text("E-MAIL"), "who you are; without it you are asked"),
      "password-file": optional(file, "file with the password; - reads stdin; without it you are asked"),
      org: optional(idOf("org"), "the organisation, when you belong to several"),
      expires: optional(duration, "how long it lasts, 24h when nobody says otherwise"),
      "ready-file": optional(file, "take the address and the authority from what the platform wrote"),
    },
    examples: [
      "login --url https://localhost:8443 --ca-file ca.pem --email ada@example.com",
      "login --token-file token",
      "login --token-file token --key-file key.pem",
    ],
    async run({ email, "password-file": passwordFile, org, expires, "ready-file": readyFile }, tools) {
      const { world, globals, print } = tools;
      const place =
        readyFile === undefined ? placeOf(globals, world, profileOf(world)) : placeBy(readReady(readyFile), globals);
      const remember = (shown: Shown, org: string, expiresAt: string | undefined): void => {
        writeProfile(world.environment.profileFile, { ...place, ...shown, org, expiresAt });
        print.thing({ url: place.url, org, ...(expiresAt !== undefined && { expiresAt }) }, [
          ["signed in at", place.url],
          ["organisation", org],
          ["until", print.at(expiresAt)],
        ]);
      };
      if (globals["token-file"] !== undefined) {
        const shown = await credentialFor(place.url, globals, world, undefined);
        const me = await tools.clientAt(place, shown).call(routes.whoAmI);
        return remember(shown, me.org, me.expiresAt);
      }
      const who = email ?? (await ask(world, "E-mail", "shown", "--email"));
      const password =
        passwordFile === undefined
          ? await ask(world, "Password", "hidden", "--password-file")
          : await readSecret(passwordFile, "--password-file", world.in);
      const body = { email: who, password, org, expiresIn: expires, name: "holdfast login" };
      const signedIn = await tools.clientAt(place).call(routes.signIn, { body });
      remember({ token: signedIn.token, key: undefined }, signedIn.org, signedIn.expiresAt);
    },
  }),
  verb({
    name: "logout",
    summary: "Forget the profile, and end its credential where that is allowed",
    async run(_, tools) {
      const { world, print } = tools;
      const { profileFile } = world.environment;
      const profile = profileOf(world);
      if (!profile) return print.thing({ signedIn: false }, [["signed in", "no"]]);
      removeProfile(profileFile);
      const client = tools.clientAt({ url: profile.url, ca: profile.ca }, { token: profile.token, key: profile.key });
      let revoked = false;
      try {
        const { credential } = await client.call(routes.whoAmI);
        await client.call(routes.revokeCredential, { params: { credential } });
        revoked = true;
      } catch (error) {
        if (!(error instanceof ApiProblem || error instanceof NotReached)) throw error;
        print.note(`The profile is gone, but its credential could not be ended: ${error.message}`);
      }
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
