import { Refusal, uuidOf, type CredentialId, type Id } from "@holdfast/kernel";
import { pageOf, type Page, type Storage } from "../storage/index.ts";
import type { Credential } from "./credential.ts";
import type { Permit } from "./permit.ts";
import { authorityIn } from "./postgres.ts";

export async function readCredential(
  storage: Storage,
  permit: Permit<"credential.read">,
  id: CredentialId,
): Promise<Credential> {
  const credential = await storage.read(permit, (unit) => authorityIn(unit).credential(id));
  if (!credential) throw new Refusal("credential.unknown");
  return credential;
}

/** A page, oldest first. The kind is sealed, so a page asked by kind may be short before the last. */
export async function readCredentials(
  storage: Storage,
  permit: Permit<"credential.read">,
  asked: { limit: number; cursor?: string | undefined; kind?: string | undefined; device?: Id<"device"> | undefined },
): Promise<Page<Credential>> {
  const page = await pageOf(
    asked,
    (after, most) => storage.read(permit, (unit) => authorityIn(unit).credentials(after, most, asked.device)),
    {
      at: ({ createdAt }) => createdAt,
      id: ({ id }) => uuidOf(id),
    },
  );
  return asked.kind === undefined ? page : { ...page, items: page.items.filter(({ kind }) => kind === asked.kind) };
}
