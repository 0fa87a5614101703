import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { placeOf } from "../connection.ts";
import { readSecret } from "../own-files.ts";
import { allPages, paging } from "../pages.ts";
import { file, idOf, onOff, optional, required, text } from "../parameter.ts";
import { askLink } from "../prompt.ts";
import { withCode } from "../second-factor.ts";
import { profileOf, remember } from "../signed-in.ts";
import { verb } from "../verb.ts";

type Invitation = Reply<typeof routes.listInvitations>["items"][number];

const one = { invitation: required(idOf("invitation"), "which invitation") } as const;

export const invitationVerbs = [
  verb({
    name: "invitation list",
    summary: "List the invitations that can still be accepted, never their links",
    flags: paging,
    async run(given, tools) {
      const client = await tools.client();
      const page = await allPages(given, tools.print, (query) => client.call(routes.listInvitations, { query }));
      const columns = [
        { title: "ID", cell: ({ id }: Invitation) => id },
        { title: "E-MAIL", cell: ({ email }: Invitation) => email },
        { title: "ROLE", cell: ({ role, roleName }: Invitation) => roleName ?? role },
        { title: "BY", cell: ({ invitedBy }: Invitation) => invitedBy },
        { title: "EXPIRES", cell: ({ expiresAt }: Invitation) => tools.print.ago(expiresAt) },
      ];
      tools.print.list(page, columns, "Nobody is invited.");
    },
  }),
  verb({
    name: "invitation withdraw",
    summary: "Make the link of an invitation worth nothing",
    arguments: one,
    async run(params, tools) {
      await (await tools.client()).call(routes.withdrawInvitation, { params });
      tools.print.thing({ id: params.invitation, withdrawn: true }, [["withdrawn", params.invitation]]);
    },
  }),
  verb({
    name: "invitation accept",
    summary: "Come into the organisation that you were invited to",
    flags: {
      email: required(text("E-MAIL"), "your e-mail, as you were invited by"),
      "link-file": optional(file, "file with the link or its secret; - reads stdin; without it you are asked"),
      "password-file": optional(file, "file with the password; - reads stdin; without it you are asked"),
      "code-file": optional(file, "file with a code, for an account with a second factor; asked where needed"),
      login: onOff("also write the profile, like holdfast login"),
    },
    examples: ["invitation accept --link-file link --email bob@example.com --ca-file ca.pem --login"],
    async run({ email, "code-file": codeFile, login, ...files }, tools) {
      const { world, globals, print } = tools;
      const password = "Password (your own, or a new one of 12 characters or more)";
      const { url, ...shown } = await askLink(world, { mark: "invitation", password }, files);
      const place = placeOf({ ...globals, url: globals.url ?? url }, world, profileOf(world));
      const body = { ...shown, email };
      const given = codeFile === undefined ? undefined : await readSecret(codeFile, "--code-file", world.in);
      const came = await withCode(world, given, (code) =>
        tools.clientAt(place).call(routes.acceptInvitation, { body: { ...body, code } }),
      );
      print.thing(came, [
        ["organisation", came.org],
        ["person", came.person],
        ["token", came.token],
        ["expires", print.at(came.expiresAt)],
      ]);
      print.secretNote("token");
      // After the token was shown: a profile that cannot be written must not cost it.
      if (login) {
        const { token, org, expiresAt } = came;
        const kept = await remember(world, { ...place, token, key: undefined, org, expiresAt });
        print.note(`You are signed in here, kept in ${kept.inWords}.`);
      }
    },
  }),
];
