import { Refusal, uuidOf, type Clock, type CredentialId, type Id } from "@holdfast/kernel";
import { pageOf, type Page, type Storage, type Unit } from "../storage/index.ts";
import { refusedBy } from "./caller.ts";
import { nobody } from "./circumstances.ts";
import type { Credential } from "./credential.ts";
import { isCredentialId } from "./explain.ts";
import type { Permit } from "./permit.ts";
import { authorityIn } from "./postgres.ts";
import { compile, standingOf } from "./power.ts";
import type { Spaces } from "./spaces.ts";

type Needs = { readonly storage: Storage; readonly spaces: Spaces; readonly clock: Clock };

/** A credential as it is shown: `standing` also knows what ended above it. */
export type Shown = { readonly credential: Credential; readonly standing: ReturnType<typeof standingOf> };

/** The credential of a path. @throws Refusal `id.malformed` */
export function credentialId(text: string | undefined): CredentialId {
  if (text === undefined || !isCredentialId(text)) throw new Refusal("id.malformed");
  return text;
}

export async function readCredential(
  needs: Needs,
  permit: Permit<"credential.read">,
  id: CredentialId,
): Promise<Shown> {
  const [shown] = await read(needs, permit, async (unit) => {
    const credential = await authorityIn(unit).credential(id);
    return credential ? [credential] : [];
  });
  if (!shown) throw refusedBy(permit, "credential.read", id, new Refusal("credential.unknown"));
  return shown;
}

/** A page, oldest first. The kind is sealed, so a page asked by kind may be short before the last. */
export async function readCredentials(
  needs: Needs,
  permit: Permit<"credential.read">,
  asked: { limit: number; cursor?: string | undefined; kind?: string | undefined; device?: Id<"device"> | undefined },
): Promise<Page<Shown>> {
  const page = await pageOf(
    asked,
    (after, most) => read(needs, permit, (unit) => authorityIn(unit).credentials(after, most, asked.device)),
    {
      at: ({ credential }) => credential.createdAt,
      id: ({ credential }) => uuidOf(credential.id),
    },
  );
  const { kind } = asked;
  return kind === undefined
    ? page
    : { ...page, items: page.items.filter(({ credential }) => credential.kind === kind) };
}

/** Which others are good now and end with this one; with "made" also those that it and they made for devices and applications. */
export async function readDependants(
  needs: Needs,
  permit: Permit<"credential.read">,
  id: CredentialId,
  also: readonly "made"[],
): Promise<readonly Credential[]> {
  const found = await read(needs, permit, async (unit) => {
    const rows = authorityIn(unit);
    const below = await rows.descendantsOf(id);
    if (also.length === 0) return below;
    const made = await rows.madeBy(id);
    return [...new Map([...below, ...made].map((one) => [one.id, one])).values()];
  });
  return found.filter(({ standing }) => standing === "active").map(({ credential }) => credential);
}

async function read(
  { storage, spaces, clock }: Needs,
  permit: Permit<"credential.read">,
  find: (unit: Unit) => Promise<readonly Credential[]>,
): Promise<readonly Shown[]> {
  const space = await spaces.of(permit.scope.org);
  return storage.read(permit, async (unit) => {
    const found = await find(unit);
    const above = new Map((await authorityIn(unit).ancestorsOf(found)).map((one) => [one.id, one]));
    const now = clock.now();
    return found.map((credential) => ({
      credential,
      standing: standingOf(
        compile(space, credential, nobody, now, (id) => above.get(id)),
        now,
      ),
    }));
  });
}
