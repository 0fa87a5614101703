import { Refusal } from "@holdfast/kernel";
import { parseSender, parseSmtpUrl, type Sender, type SmtpAddress } from "./outbound/index.ts";

export type MailConfig = {
  readonly server: SmtpAddress;
  readonly from: Sender;
  /** Instead of a password in the environment. */
  readonly passwordFile: string | undefined;
  readonly caFile: string | undefined;
};

type MailOptions = Pick<MailConfig, "passwordFile" | "caFile"> & {
  readonly url: string | undefined;
  /** On the command line, which everybody on the machine can read. */
  readonly isUrlTyped: boolean;
  readonly password: string | undefined;
  readonly from: string | undefined;
};

/** The server that takes mail. @throws Refusal `config.malformed` */
export function mailIn({ url, isUrlTyped, password, passwordFile, caFile, from }: MailOptions): MailConfig | undefined {
  if (url === undefined) {
    if (from === undefined && passwordFile === undefined && caFile === undefined) return undefined;
    throw malformed("--mail-from, --smtp-password-file and --smtp-ca need --smtp-url.");
  }
  if (from === undefined) throw malformed("--smtp-url needs --mail-from: whom mail is from.");
  const server = parseSmtpUrl(url);
  if (isUrlTyped && server.password !== undefined)
    throw malformed("--smtp-url holds a password, which everybody on this machine can read. Use --smtp-password-file.");
  const given = [server.password, password, passwordFile].filter((one) => one !== undefined);
  if (given.length > 1) throw malformed("The password of the mail server is given twice.");
  if (given.length > 0 && server.user === undefined) throw malformed("--smtp-url names no user for the password.");
  return {
    server: { ...server, password: server.password ?? password },
    from: parseSender(from),
    passwordFile,
    caFile,
  };
}

const malformed = (detail: string): Refusal => new Refusal("config.malformed", { detail });
