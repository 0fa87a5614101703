import { parseArgs } from "node:util";

export type Options = {
  readonly port: number;
  readonly tls: { readonly port: number; readonly cert: string; readonly key: string } | undefined;
  /** Filters that nobody may publish to or subscribe to. */
  readonly deny: readonly string[];
  /** Seconds. */
  readonly maximumKeepAlive: number | undefined;
};

export const usage =
  "npm run mqtt -- --port N [--tls-port N --cert FILE --key FILE] [--deny FILTER]… [--max-keep-alive SECONDS]";

/** Throws `TypeError` with a sentence that says what is wrong. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: "string" },
      "tls-port": { type: "string" },
      cert: { type: "string" },
      key: { type: "string" },
      deny: { type: "string", multiple: true },
      "max-keep-alive": { type: "string" },
    },
  });
  if (values.port === undefined) throw new TypeError("Say on which port: --port N. Port 0 takes a free one.");
  const { cert, key } = values;
  const tlsPort = values["tls-port"];
  if (tlsPort !== undefined && (cert === undefined || key === undefined)) {
    throw new TypeError("TLS needs a certificate and its key: --cert FILE --key FILE.");
  }
  const keepAlive = values["max-keep-alive"];
  return {
    port: parseNumber("--port", values.port, 0),
    tls:
      tlsPort === undefined || cert === undefined || key === undefined
        ? undefined
        : { port: parseNumber("--tls-port", tlsPort, 0), cert, key },
    deny: values.deny ?? [],
    maximumKeepAlive: keepAlive === undefined ? undefined : parseNumber("--max-keep-alive", keepAlive, 1),
  };
}

function parseNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > 65_535)
    throw new TypeError(`${name} takes a number from ${least} to 65535.`);
  return value;
}
