import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { allPages, paging } from "../pages.ts";
import { idOf, optional, required, text } from "../parameter.ts";
import type { Tools } from "../tools.ts";
import { verb } from "../verb.ts";

type User = Reply<typeof routes.suspendUser>;
type Session = Reply<typeof routes.listUserSessions>["items"][number];
type Device = Reply<typeof routes.listUserDevices>["items"][number];
type Passkey = Reply<typeof routes.listUserPasskeys>["items"][number];

const of = { application: required(idOf("application"), "of which application") } as const;
const one = { user: required(idOf("user"), "which user") } as const;

const show = (user: User, { print }: Tools): void =>
  print.thing(user, [
    ["id", user.id],
    ["login", user.login],
    ["state", user.state],
    ["application", user.application],
    ["made", print.at(user.createdAt)],
  ]);

type Code = { readonly code?: string | undefined; readonly codeExpiresAt: string };

const codeRows = ({ code, codeExpiresAt }: Code, { print }: Tools): [string, string][] => [
  ["code", code ?? ""],
  ["until", print.at(codeExpiresAt)],
];

export const appUserVerbs = [
  verb({
    name: "app-user list",
    summary: "List the users of an application",
    flags: { ...of, ...paging },
    async run({ application, ...given }, tools) {
      const client = await tools.client();
      const params = { application };
      const page = await allPages(given, tools.print, (query) => client.call(routes.listUsers, { params, query }));
      const columns = [
        { title: "ID", cell: ({ id }: User) => id },
        { title: "LOGIN", cell: ({ login }: User) => login },
        { title: "STATE", cell: ({ state }: User) => state },
        { title: "MADE", cell: ({ createdAt }: User) => tools.print.ago(createdAt) },
      ];
      tools.print.list(page, columns, "There is no user of this application yet.");
    },
  }),
  verb({
    name: "app-user invite",
    summary: "Invite a user into an application, with a code for the first password",
    flags: { ...of, email: required(text("E-MAIL"), "what she signs in with; any other name will do as well") },
    async run({ email: login, ...params }, tools) {
      const { print } = tools;
      const invited = await (await tools.client()).call(routes.createUser, { params, body: { login } });
      print.thing(invited, [["id", invited.id], ["login", invited.login], ...codeRows(invited, tools)]);
      if (invited.code !== undefined) print.secretNote("code");
    },
  }),
  verb({
    name: "app-user get",
    summary: "Show one user of an application",
    arguments: one,
    flags: of,
    run: async (params, tools) => show(await (await tools.client()).call(routes.readUser, { params }), tools),
  }),
  verb({
    name: "app-user reset",
    summary: "Make a code for a new password of a user, good once and for a day",
    arguments: one,
    flags: of,
    async run(params, tools) {
      const reset = await (await tools.client()).call(routes.resetUser, { params });
      tools.print.thing(reset, codeRows(reset, tools));
      if (reset.code !== undefined) tools.print.secretNote("code");
    },
  }),
  verb({
    name: "app-user suspend",
    summary: "Sign a user out everywhere and let her in no more",
    arguments: one,
    flags: of,
    run: async (params, tools) => show(await (await tools.client()).call(routes.suspendUser, { params }), tools),
  }),
  verb({
    name: "app-user activate",
    summary: "Confirm a user who signed up, or let a suspended one in again",
    arguments: one,
    flags: of,
    run: async (params, tools) => show(await (await tools.client()).call(routes.activateUser, { params }), tools),
  }),
  verb({
    name: "app-user remove",
    summary: "Remove a user for ever; the devices belong to nobody from then on",
    arguments: one,
    flags: of,
    async run(params, tools) {
      await (await tools.client()).call(routes.removeUser, { params });
      tools.print.thing({ id: params.user, removed: true }, [["removed", params.user]]);
    },
  }),
  verb({
    name: "app-user devices",
    summary: "List the devices of a user",
    arguments: one,
    flags: { ...of, ...paging },
    async run({ application, user, ...given }, tools) {
      const client = await tools.client();
      const params = { application, user };
      const page = await allPages(given, tools.print, (query) =>
        client.call(routes.listUserDevices, { params, query }),
      );
      const columns = [
        { title: "ID", cell: ({ id }: Device) => id },
        { title: "NAME", cell: ({ name }: Device) => name },
        { title: "STATE", cell: ({ state }: Device) => state },
      ];
      tools.print.list(page, columns, "No device belongs to this user. holdfast device bind says that one does.");
    },
  }),
  verb({
    name: "app-user sessions",
    summary: "List where a user is signed in",
    arguments: one,
    flags: of,
    async run(params, tools) {
      const { print } = tools;
      const { items } = await (await tools.client()).call(routes.listUserSessions, { params });
      const columns = [
        { title: "ID", cell: ({ id }: Session) => id },
        { title: "FROM", cell: ({ from }: Session) => from ?? "" },
        { title: "SINCE", cell: ({ createdAt }: Session) => print.ago(createdAt) },
        { title: "RENEWED", cell: ({ seenAt }: Session) => print.ago(seenAt) },
        { title: "BOUND", cell: ({ boundTo }: Session) => (boundTo === undefined ? "" : "to a key") },
        { title: "EXPOSED", cell: ({ exposedAt }: Session) => (exposedAt === undefined ? "" : print.ago(exposedAt)) },
      ];
      print.list({ items }, columns, "This user is signed in nowhere.");
    },
  }),
  verb({
    name: "app-user sign-out",
    summary: "End one session of a user, or every one; she may sign in again",
    arguments: one,
    flags: { ...of, session: optional(idOf("session"), "which session; every one unless given") },
    async run({ session, ...params }, tools) {
      const client = await tools.client();
      if (session === undefined) await client.call(routes.endUserSessions, { params });
      else await client.call(routes.endUserSession, { params: { ...params, session } });
      const ended = session ?? params.user;
      tools.print.thing({ id: ended, signedOut: true }, [["signed out", ended]]);
    },
  }),
  verb({
    name: "app-user passkeys",
    summary: "List the passkeys of a user",
    arguments: one,
    flags: of,
    async run(params, tools) {
      const { print } = tools;
      const { items } = await (await tools.client()).call(routes.listUserPasskeys, { params });
      const columns = [
        { title: "ID", cell: ({ id }: Passkey) => id },
        { title: "NAME", cell: ({ name }: Passkey) => name },
        { title: "SITE", cell: ({ site }: Passkey) => site },
        { title: "MADE", cell: ({ createdAt }: Passkey) => print.ago(createdAt) },
        { title: "USED", cell: ({ lastUsedAt }: Passkey) => (lastUsedAt === undefined ? "" : print.ago(lastUsedAt)) },
        { title: "STATE", cell: ({ clonedAt }: Passkey) => (clonedAt === undefined ? "" : "copied: opens nothing") },
      ];
      print.list({ items }, columns, "This user has no passkey.");
    },
  }),
  verb({
    name: "app-user remove-passkey",
    summary: "Remove a passkey of a user, also where it is the only way in",
    arguments: { ...one, passkey: required(idOf("passkey"), "which passkey") },
    flags: of,
    async run(params, tools) {
      await (await tools.client()).call(routes.removeUserPasskey, { params });
      tools.print.thing({ id: params.passkey, removed: true }, [["removed", params.passkey]]);
    },
  }),
  verb({
    name: "app-user erase",
    summary: "Erase what devices measured while they were a user's, for ever, backups included; she stays",
    arguments: one,
    flags: { ...of, confirm: required(text("LOGIN"), "what she signs in with, so that it is not another one") },
    async run({ confirm, ...params }, tools) {
      const client = await tools.client();
      const { login } = await client.call(routes.readUser, { params });
      if (login !== confirm) throw new Misuse("She does not sign in so: nothing was erased.");
      const erased = await client.call(routes.eraseUserReadings, { params });
      tools.print.thing(erased, [["readings erased", erased.points.toLocaleString("en")]]);
    },
  }),
];
