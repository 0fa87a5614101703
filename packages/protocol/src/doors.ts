import { kindOfId, type CredentialId } from "@holdfast/kernel";
import { z } from "zod";
import { conditions } from "./conditions.ts";
import { attributeName } from "./products.ts";
import { isCommandName } from "./topics.ts";
import { id, noReply, version } from "./shapes.ts";
import { route } from "./route.ts";
import { socketModes, tlsVersions, transports } from "./transport.ts";

/** Kinds of credential that people and programs come with. A device comes with its own key, and its door is its own. */
export const visitorKinds = [
  "session",
  "apiToken",
  "operator",
  "trustedApplication",
  "accessKey",
  "applicationUser",
  "dashboardLink",
] as const;

/** What a credential proves of itself, weakest first: that somebody knows its secret, or that he holds its private key too. */
export const proofs = ["secret", "key"] as const;

const credential = z
  .custom<CredentialId>((text) => typeof text === "string" && isCredential(text), {
    error: "not an identifier of a credential",
  })
  .meta({ type: "string" });
const isCredential = (text: string): boolean => ["key", "token", "session"].includes(kindOfId(text) ?? "");

const most = 64;
const addresses = z.array(z.string().min(1).max(64)).min(1).max(32);

const who = {
  credentials: z.array(credential).min(1).max(most).optional(),
  people: z.array(id("person")).min(1).max(most).optional(),
  kinds: z.array(z.enum(visitorKinds)).min(1).optional(),
};

/** Somebody is meant by any one of these. */
const visitors = z.strictObject(who);
export type Visitors = z.infer<typeof visitors>;

const names = z.array(attributeName).min(1).max(512);

/** What a product or a device demands of whoever comes to it; each that is there has to hold. */
export const door = z.strictObject({
  transports: z
    .array(z.enum(transports))
    .min(1)
    .optional()
    .describe("Of the device, and of whoever sends in its name. `socket` is closed wherever no door names it."),
  socket: z
    .enum(socketModes)
    .optional()
    .describe(
      "The least that a frame of a direct socket needs, where `socket` is among the transports; `sealed` where nothing is said.",
    ),
  tls: z.enum(tlsVersions).optional().describe("The least version. Of everybody. A direct socket has none."),
  proof: z
    .enum(proofs)
    .optional()
    .describe(
      "The least. `key`: with a credential that is bound to a key. Of the device, and of whoever sends in its name.",
    ),
  allow: z
    .strictObject({ ...who, addresses: addresses.optional() })
    .optional()
    .describe(
      "Only these. `addresses` are of everybody; credentials, people and kinds of whoever is not the device itself: any one of them lets in.",
    ),
  deny: z
    .strictObject({ ...who, addresses: addresses.optional() })
    .optional()
    .describe("None of these, whatever `allow` says; of a credential also what it made."),
  writable: names
    .optional()
    .describe("Attributes that may be sent; without it all. A message with another one is refused as a whole."),
  readable: z
    .array(z.strictObject({ attributes: names, by: visitors.optional() }))
    .min(1)
    .max(most)
    .optional()
    .describe("Attributes that may be read, and by whom; without it all. The device itself hears what is its own."),
  dangerous: z
    .array(z.string().refine(isCommandName, "not a name of a command"))
    .min(1)
    .max(64)
    .optional()
    .describe(
      "Commands that run only once a person who signed in has approved them, with a proof of who she is that is at most ten minutes old.",
    ),
  rate: conditions.shape.rate.describe("Messages of one device."),
  size: z.number().int().min(1).optional().describe("Bytes of the largest message."),
  hours: conditions.shape.hours,
});
export type Door = z.infer<typeof door>;

const clauses = z
  .array(
    z.object({
      field: z.string().describe("Which field of the door says so, such as `transports`."),
      from: z.string().describe("Whose door: of the device, or of its product."),
      says: z.string(),
    }),
  )
  .describe("All that is demanded, in words, level by level. Every one of them has to hold.");

const productDoor = z.object({ door, clauses, version });
const deviceDoor = productDoor.extend({
  inherited: z
    .object({ product: id("product"), door })
    .optional()
    .describe("What its product demands already."),
});
const [onProduct, onDevice] = [{ path: "product" }, { path: "device" }] as const;

export const readProductDoor = route({
  method: "GET",
  path: "/v1/products/{product}/door",
  summary: "What a product demands of whoever comes to its devices. The version is the product's.",
  needs: "product.read",
  on: onProduct,
  reply: productDoor,
  versioned: true,
});

export const setProductDoor = route({
  method: "PUT",
  path: "/v1/products/{product}/door",
  summary:
    "Sets, as a whole, what a product demands of whoever comes to its devices. Connections that it still lets in stay.",
  needs: "product.setDoor",
  on: onProduct,
  body: door,
  reply: productDoor,
  versioned: true,
  isConfirmed: true,
});

export const removeProductDoor = route({
  method: "DELETE",
  path: "/v1/products/{product}/door",
  summary: "Demands nothing more for the devices of a product than their own doors do.",
  needs: "product.setDoor",
  on: onProduct,
  reply: noReply,
  versioned: true,
  isConfirmed: true,
});

export const readDeviceDoor = route({
  method: "GET",
  path: "/v1/devices/{device}/door",
  summary: "What a device demands of whoever comes to it, and what its product does. The version is the device's.",
  needs: "device.read",
  pages: true,
  on: onDevice,
  reply: deviceDoor,
  versioned: true,
});

export const setDeviceDoor = route({
  method: "PUT",
  path: "/v1/devices/{device}/door",
  summary:
    "Sets, as a whole, what a device demands beyond its product. It may narrow its product's door, and never widen it.",
  needs: "device.setDoor",
  on: onDevice,
  body: door,
  reply: deviceDoor,
  versioned: true,
  isConfirmed: true,
});

export const removeDeviceDoor = route({
  method: "DELETE",
  path: "/v1/devices/{device}/door",
  summary: "Leaves a device the door of its product alone.",
  needs: "device.setDoor",
  on: onDevice,
  reply: noReply,
  versioned: true,
  isConfirmed: true,
});
