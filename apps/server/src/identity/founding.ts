import type { Id, Instant } from "@holdfast/kernel";
import { authorityIn, type Member, type Minting, type Proof, type Spaces } from "../authority/index.ts";
import type { Actor, OrgScope } from "../storage/index.ts";
import { organisationsIn, type Organisation } from "./organisation.ts";
import { day, welcomeOf, type Welcome } from "./welcome.ts";

type Needs = { readonly minting: Minting; readonly spaces: Spaces };

export type Founding = {
  /** Of the key that was made for it. */
  readonly scope: OrgScope;
  readonly person: Id<"person">;
  readonly member: Member;
  readonly name: string;
  /** By what the person proved who she is. */
  readonly proofs: readonly Proof[];
  /** When the first token is over at the latest; it lasts a day otherwise. */
  readonly latest?: Instant | undefined;
} & Pick<Organisation, "isSimulated">;

/** An organisation begins with the person who belongs to it, and a token of hers. */
export async function found({ minting, spaces }: Needs, founding: Founding): Promise<Welcome> {
  const { scope, person, member, name, proofs, latest, isSimulated } = founding;
  const actor: Actor = { kind: "credential", id: person, person };
  const wanted = { name: "set-up", grants: undefined, lifetime: day, proofs, latest };
  const minted = await minting.forPerson({ scope, actor }, person, member, wanted, async (unit) => {
    await organisationsIn(unit).add({ id: scope.org, name, isSimulated, createdAt: unit.at, version: 1 });
    await authorityIn(unit).saveMember(person, member);
    unit.audit({ what: "org.created", about: scope.org, facts: { name } });
    unit.audit({ what: "member.added", about: person, facts: { role: member.role } });
    unit.afterCommit(() => spaces.apply(scope.org, (space) => space.setMember(person, member)));
  });
  return welcomeOf(scope.org, person, minted);
}
