import { z } from "zod";
import { attributeName } from "./products.ts";
import { namedBy, noReply } from "./shapes.ts";
import { route } from "./route.ts";

const mostDays = 36_500;

/** How long readings are kept: so many days after the time that they carry, or for ever. */
export const keep = z.union([z.number().int().min(1).max(mostDays), z.literal("forever")]);
export type Keep = z.infer<typeof keep>;

const ofProduct = z.strictObject({
  keep: keep.optional().describe("Of whatever its devices measure. Without it as the organisation says."),
  attributes: namedBy(attributeName, keep)
    .refine((all) => Object.keys(all).length <= 512, "at most 512 attributes")
    .optional()
    .describe("Of these by themselves, before anything else."),
});

/** What would go at once, of what is there. */
const going = z.object({
  points: z.number().int().describe("Readings, those of the newest minutes not counted."),
  bytes: z.number().int().describe("What they take, sealed."),
  straddling: z
    .number()
    .int()
    .describe("Chunks of which a part is older: that part is shown no more, and goes with the rest of its chunk."),
});

const product = { path: "product" } as const;

export const readOrgRetention = route({
  method: "GET",
  path: "/v1/org/retention",
  summary:
    "How long the organisation keeps readings, where a product says nothing else; for ever when nothing is said.",
  needs: "org.read",
  on: "own",
  reply: z.object({ keep }),
});

export const setOrgRetention = route({
  method: "PUT",
  path: "/v1/org/retention",
  summary:
    "Says how long the organisation keeps readings. What is older is shown no more at once, and is removed within hours, for good.",
  needs: "org.update",
  on: "own",
  body: z.strictObject({ keep }),
  reply: z.object({ keep }),
  isConfirmed: true,
});

export const previewOrgRetention = route({
  method: "POST",
  path: "/v1/org/retention/preview",
  summary:
    "How much would go if the organisation kept readings so long, beside what is too old already. Nothing is changed.",
  needs: "org.update",
  on: "own",
  body: z.strictObject({ keep }),
  reply: going,
});

export const readProductRetention = route({
  method: "GET",
  path: "/v1/products/{product}/retention",
  summary: "How long a product says that readings of its devices are kept, all and by attribute. The narrower wins.",
  needs: "product.read",
  on: product,
  reply: ofProduct,
});

export const setProductRetention = route({
  method: "PUT",
  path: "/v1/products/{product}/retention",
  summary:
    "Says how long readings of a product's devices are kept, in place of what it said before: of an attribute, else of the product, else as the organisation says.",
  needs: "product.update",
  on: product,
  body: ofProduct,
  reply: ofProduct,
  isConfirmed: true,
});

export const removeProductRetention = route({
  method: "DELETE",
  path: "/v1/products/{product}/retention",
  summary: "The product says nothing any more: readings of its devices are kept as long as the organisation says.",
  needs: "product.update",
  on: product,
  reply: noReply,
  isConfirmed: true,
});

export const previewProductRetention = route({
  method: "POST",
  path: "/v1/products/{product}/retention/preview",
  summary: "How much would go if a product said this, beside what is too old already. Nothing is changed.",
  needs: "product.update",
  on: product,
  body: ofProduct,
  reply: going,
});
