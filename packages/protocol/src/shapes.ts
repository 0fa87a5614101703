import { deepestJson, isId, isSoundJson, parseInstant, type Id, type Instant, type Kind } from "@holdfast/kernel";
import { z } from "zod";
import { isBuiltIn, roleNames, type Role } from "./actions.ts";

/** The small shapes that many routes share. */
export const id = <K extends Kind>(kind: K) =>
  z
    .custom<Id<K>>((text) => typeof text === "string" && isId(kind, text), { error: `not an identifier of ${kind}` })
    .meta({ type: "string" });

/** Grows with each change of the thing; in quotes it is the thing's ETag. */
export const version = z.number().int();

/** Control characters, and marks that turn the direction of text around: they would let a name forge a line. */
export const unshowable = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** What people call something. */
export const name = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .refine((text) => text.isWellFormed() && !unshowable.test(text), "a character that cannot be shown");
const coordinate = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

/** A public key as a JWK (RFC 7517), of the members that say which key it is alone: a private one is refused. */
export const publicKey = z.union([
  z.strictObject({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: coordinate }),
  z.strictObject({ kty: z.literal("EC"), crv: z.literal("P-256"), x: coordinate, y: coordinate }),
]);

export const time = z.iso.datetime();

/** One of the roles that every organisation has, or one of its own. */
export const role = z
  .custom<Role>((text) => typeof text === "string" && (isBuiltIn(text) || isId("role", text)), {
    error: `no role: ${roleNames.join(", ")}, or the identifier of one of the organisation's own`,
  })
  .meta({ type: "string" });

/** The years that RFC 3339 can write. At the ends of what a date holds no window of a time zone begins. */
const [firstTime, lastTime] = [Date.parse("0000-01-01T00:00:00Z"), Date.parse("9999-12-31T23:59:59.999Z")];
const isWritable = (time: number): boolean => time >= firstTime && time <= lastTime;

/** A time in a query: RFC 3339 or epoch milliseconds. */
export const when = z.string().transform((text, context): Instant => {
  const at = /^-?\d{1,16}$/.test(text) ? (Number(text) as Instant) : parseInstant(text);
  if (at === undefined || !isWritable(at)) {
    const message = at === undefined ? "not RFC 3339 nor epoch milliseconds" : "not within the years 0000 to 9999";
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  }
  return at;
});

/** The same in a body, where milliseconds are a number. */
export const whenSaid = z
  .union([when, z.number().int().min(firstTime).max(lastTime)])
  .transform((given) => given as z.output<typeof when>); // whole milliseconds

/** What somebody gave names to. `__proto__` is no name here: it would be left out of what is read, without a word. */
export const namedBy = <Name extends z.ZodString, Value extends z.ZodType>(name: Name, value: Value) =>
  z.preprocess(
    (given: Readonly<Record<string, z.input<Value>>>, context) => {
      if (typeof given === "object" && given !== null && Object.hasOwn(given, "__proto__")) {
        context.addIssue({ code: "custom", path: ["__proto__"], message: "not a usable name" });
      }
      return given;
    },
    z.record(name, value),
  );

// Cs: half of a surrogate pair, which no UTF-8 can hold.
export const tagKey = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\p{Cc}\p{Cs}=,:]+$/u);
export const tagValue = z
  .string()
  .max(256)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u);
const few = (t: Readonly<Record<string, string>>): boolean => Object.keys(t).length <= 32;
/** Free key and value on a device. */
export const tags = namedBy(tagKey, tagValue).refine(few, "at most 32 tags");
/** Where a list of `key=value` is told from a value with commas: what follows this comma begins with a key. */
export const betweenTags = /,(?=[^,=]+=)/;
export const unfindable = "lists could not find it: no comma with a name and = after it";
/** As a device that is made has them: what a list of devices could not be asked for is taken no more, and shown where it is. */
export const newTags = namedBy(
  tagKey,
  tagValue.refine((value) => !betweenTags.test(value), unfindable),
).refine(few, "at most 32 tags");

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90d`, `24h`, `15m`, `30s`: a length of time, as milliseconds. None at all is none: what lasted `0d` would be over when it began. */
export const duration = z.string().transform((text, context): number => {
  const [, count, unit] = /^(\d{1,6})(s|m|h|d)$/.exec(text) ?? [];
  if (!count || !unit || Number(count) === 0) {
    const message = unit ? "no time at all: the least is 1s" : "not a length of time such as 90d, 24h, 15m, 30s";
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  }
  return Number(count) * units[unit as keyof typeof units]; // the expression admits these four only
});

/** What was measured: a number, yes or no, a text, a location, or a document of JSON. */
export const measured = z
  .union([z.number(), z.boolean(), z.string(), z.array(z.unknown()), z.record(z.string(), z.unknown())])
  .describe(
    "A number, a boolean or a text; a location as `{latitude, longitude, altitude?, accuracy?}`; or whatever a document of JSON is.",
  );

/** Any JSON that devices and programs say to each other. */
export const anyJson = z
  .unknown()
  .refine(
    (value) => isSoundJson(value),
    `more than ${deepestJson} objects and arrays in each other, or an endless number`,
  );

export const limit = z.coerce.number().int().min(1).max(1_000).default(100);
export const cursor = z.string().max(512).optional();

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().optional() });

/** Beside the items of a list whose rows are sealed one by one. */
export const altered = <K extends Kind>(kind: K) =>
  z
    .array(id(kind))
    .optional()
    .describe("Those of this page that somebody altered in the database: nothing but that they are there is known.");

export const noReply = z.object({});

export const email = z.email().max(254);
/** As long as anybody may try; how long one has to be is decided where it is set. */
export const password = z.string().max(1_024);
/** Of an authenticator app, or a recovery code, for whoever has a second factor. */
export const code = z.string().max(64).optional();
/** Somebody is in. */
export const welcome = z.object({ org: id("org"), person: id("person"), token: z.string(), expiresAt: time });
