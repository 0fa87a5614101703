import { routes } from "@holdfast/protocol";
import { placeOf } from "../connection.ts";
import { file, optional, required, text } from "../parameter.ts";
import { askLink } from "../prompt.ts";
import { profileOf } from "../signed-in.ts";
import { verb } from "../verb.ts";

export const passwordVerbs = [
  verb({
    name: "password forgot",
    summary: "Have a link for a new password sent, if there is an account with that e-mail",
    flags: { email: required(text("E-MAIL"), "whose account it is") },
    examples: ["password forgot --email bob@example.com --ca-file ca.pem"],
    async run(body, tools) {
      const { world, globals, print } = tools;
      const client = tools.clientAt(placeOf(globals, world, profileOf(world)));
      const { by } = await client.call(routes.forgotPassword, { body });
      print.thing({ by }, [["link", by === "mail" ? "by mail" : "in a file of the platform's"]]);
      print.note(
        by === "mail"
          ? "If there is such an account, a link is on its way; it is good once, for an hour."
          : "No mail is set up there. Whoever runs the platform finds the link in the file beside its ready file, if there is such an account.",
      );
    },
  }),
  verb({
    name: "password reset",
    summary: "Choose a new password with the link that was sent; every sign-in of that account ends",
    flags: {
      "link-file": optional(file, "file with the link or its secret; - reads stdin; without it you are asked"),
      "password-file": optional(file, "file with the new password; - reads stdin; without it you are asked"),
    },
    examples: ["password reset --link-file link --ca-file ca.pem"],
    async run(given, tools) {
      const { world, globals, print } = tools;
      const asked = { mark: "reset", password: "New password (12 characters or more)" } as const;
      const { url, ...body } = await askLink(world, asked, given);
      const place = placeOf({ ...globals, url: globals.url ?? url }, world, profileOf(world));
      await tools.clientAt(place).call(routes.resetPassword, { body });
      print.thing({ reset: true }, [["password", "a new one"]]);
      print.note("Every sign-in of that account has ended. holdfast login signs in with the new password.");
    },
  }),
];
