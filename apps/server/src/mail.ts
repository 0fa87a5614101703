import { readFileSync, statSync } from "node:fs";
import { Refusal } from "@holdfast/kernel";
import { within } from "./closed.ts";
import type { Config } from "./config.ts";
import type { MailConfig } from "./mail-config.ts";
import type { Carrier } from "./identity/index.ts";
import { LinkFile } from "./link-file.ts";
import { MailServer } from "./outbound/index.ts";
import { readyFileOf } from "./places.ts";

/** How letters to people leave this instance. @throws Refusal `config.malformed`, `folder.closed` */
export function carrierOf(config: Pick<Config, "mail" | "keys" | "readyFile">): Carrier {
  const { mail, keys } = config;
  if (!mail) return new LinkFile({ readyFile: readyFileOf(config), keys });
  const { server, from, caFile } = mail;
  const ca = caFile === undefined ? undefined : within("--smtp-ca", () => readFileSync(caFile, "utf8"));
  return new MailServer({ server: { ...server, password: passwordOf(mail) }, from, ca });
}

function passwordOf({ server, passwordFile }: MailConfig): string | undefined {
  if (passwordFile === undefined) return server.password;
  return within("--smtp-password-file", () => {
    if ((statSync(passwordFile).mode & 0o077) !== 0) {
      const detail = `Others can read the file of --smtp-password-file: chmod 600 ${passwordFile}.`;
      throw new Refusal("config.malformed", { detail });
    }
    return readFileSync(passwordFile, "utf8").replace(/\r?\n$/, "");
  });
}
