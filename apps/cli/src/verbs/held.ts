import { parseHours, transports, type Conditions, type Hours, type Transport } from "@holdfast/protocol";
import { Misuse } from "../failure.ts";
import { orRemoved, readPublicKey, writeNewKey, type PublicKey } from "../own-files.ts";
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

/** From where, when, how often and by what a new credential is good. */
export const howHeld = {
  from: any(text("CIDR"), "only from this address or network"),
  hours: any(hours, "only at these hours, by the clocks of a place: 'mon-fri 08:00-18:00 Europe/Berlin'"),
  rate: optional(rate, "at most so many requests and messages a minute, and at once"),
  transport: any(oneOf(...transports), "only over this"),
  origin: any(text("ORIGIN"), "only from pages of this origin, such as https://app.example"),
} as const;

/** The same, and to which key it is bound. */
export const held = {
  "public-key": optional(file, "the public key to which it is bound, in PEM or as a JWK (docs/proof.md)"),
  "new-key": optional(file, "make a key for it, and put the private one into this new file"),
  ...howHeld,
} as const;

type GivenConditions = {
  readonly from: readonly string[];
  readonly hours: readonly Hours[];
  readonly rate: Conditions["rate"];
  readonly transport: readonly Transport[];
  readonly origin: readonly string[];
};

type Given = GivenConditions & {
  readonly "public-key": string | undefined;
  readonly "new-key": string | undefined;
};

type Held = { readonly publicKey?: PublicKey; readonly conditions?: Conditions };

/**
 * Makes a credential that has to be held like this. A key that is made for it is in its file before: whoever has the credential has the
 * key, and where there is no credential no key is left over.
 */
export async function mintHeld<Made>(given: Given, mint: (held: Held) => Promise<Made>): Promise<Made> {
  const { "public-key": named, "new-key": coming } = given;
  if (coming === undefined)
    return mint({ ...conditionsOf(given), ...(named !== undefined && { publicKey: readPublicKey(named) }) });
  if (named !== undefined) throw new Misuse("--public-key binds it to a key that there is, --new-key to another one.");
  const publicKey = writeNewKey(coming);
  return orRemoved(coming, () => mint({ ...conditionsOf(given), publicKey }));
}

/** Whether it is worth nothing without a proof. */
export const isBound = (given: Given): boolean => given["public-key"] !== undefined || given["new-key"] !== undefined;

/** As a request says it. */
export function conditionsOf({
  from,
  hours: at,
  rate: often,
  transport,
  origin,
}: GivenConditions): Pick<Held, "conditions"> {
  const conditions: Conditions = {
    ...(from.length > 0 && { addresses: [...from] }),
    ...(at.length > 0 && { hours: [...at] }),
    ...(often && { rate: often }),
    ...(origin.length > 0 && { origins: [...origin] }),
    ...(transport.length > 0 && { transports: [...transport] }),
  };
  return Object.keys(conditions).length > 0 ? { conditions } : {};
}
