import { parseId, type Id } from "@holdfast/kernel";
import { Visitor, type Welcome } from "../../apps/server/src/testing/visitor.ts";

/** A platform that nobody has an account of yet. */
export type Empty = { readonly url: string; readonly ca: string; readonly setupLink: string };

export type Device = { readonly id: Id<"device">; readonly key: { readonly id: string; readonly secret: string } };

/** Sets it up with one organisation and so many devices, over HTTPS as everybody does. */
export async function populate(
  { url, ca, setupLink }: Empty,
  count: number,
): Promise<{ org: Id<"org">; devices: Device[]; token: string }> {
  const visitor = new Visitor(url, ca);
  try {
    const person = { email: "owner@example.com", password: "correct horse battery staple", org: "Bench" };
    const secret = setupLink.split("#setup=")[1] ?? "";
    const welcome = await visitor.post<Welcome>("/v1/setup", { secret, ...person });
    const me = visitor.as(welcome.token);
    const application = await me.post<{ id: string }>("/v1/applications", { name: "Bench" });
    const devices: Device[] = [];
    const make = async (at: number): Promise<void> => {
      const body = { application: application.id, name: `Device ${at}` };
      const { id, key } = await me.post<{ id: string; key: Device["key"] }>("/v1/devices", body);
      devices.push({ id: parseId("device", id), key });
    };
    for (let at = 0; at < count; at += 16) {
      await Promise.all(Array.from({ length: Math.min(16, count - at) }, (_, more) => make(at + more)));
    }
    return { org: parseId("org", welcome.org), devices, token: welcome.token };
  } finally {
    await visitor.close();
  }
}
