import { parseHours, transports, type Conditions, type Hours, type Transport } from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { readPublicKey } from "../own-files.ts";
import { any, file, oneOf, optional, text, type Reader } from "../parameter.ts";

export const hours: Reader<Hours> = {
  hint: "HOURS",
  read: (given) => {
    const read = parseHours(given);
    if (!read) throw new Misuse(`"${given}" are no hours such as "mon-fri 08:00-18:00 Europe/Berlin"`);
    return read;
  },
};

export const rate: Reader<NonNullable<Conditions["rate"]>> = {
  hint: "N[/BURST]",
  read: (given) => {
    const [, perMinute, burst] = /^(\d{1,5})(?:\/(\d{1,5}))?$/.exec(given) ?? [];
    if (perMinute === undefined) throw new Misuse(`"${given}" is no rate such as 60 or 60/10`);
    return { perMinute: Number(perMinute), ...(burst !== undefined && { burst: Number(burst) }) };
  },
};

/** How a new credential has to be held to be good. */
export const held = {
  "public-key": optional(file, "the public key to which it is bound, in PEM or as a JWK (docs/proof.md)"),
  from: any(text("CIDR"), "only from this address or network"),
  hours: any(hours, "only at these hours, by the clocks of a place: 'mon-fri 08:00-18:00 Europe/Berlin'"),
  rate: optional(rate, "at most so many requests and messages a minute, and at once"),
  transport: any(oneOf(...transports), "only over this"),
  origin: any(text("ORIGIN"), "only from pages of this origin, such as https://app.example"),
} as const;

type Given = {
  readonly "public-key": string | undefined;
  readonly from: readonly string[];
  readonly hours: readonly Hours[];
  readonly rate: Conditions["rate"];
  readonly transport: readonly Transport[];
  readonly origin: readonly string[];
};

/** The same as a request says it. */
export function heldOf({ "public-key": named, from, hours: at, rate: often, transport, origin }: Given) {
  const conditions: Conditions = {
    ...(from.length > 0 && { addresses: [...from] }),
    ...(at.length > 0 && { hours: [...at] }),
    ...(often && { rate: often }),
    ...(origin.length > 0 && { origins: [...origin] }),
    ...(transport.length > 0 && { transports: [...transport] }),
  };
  return {
    ...(named !== undefined && { publicKey: readPublicKey(named) }),
    ...(Object.keys(conditions).length > 0 && { conditions }),
  };
}
