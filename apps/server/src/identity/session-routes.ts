import { parseId, rfc3339, type Instant } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Handler, type Session } from "../authority/index.ts";
import { programOf } from "./program.ts";
import type { SessionLists } from "./session-lists.ts";

export const sessionRoutes = (lists: SessionLists): Handler[] => [
  on(routes.listAccountSessions, async ({ session: current }) => ({
    items: (await lists.own(current)).map(({ session, lastUsedAt, isCurrent, orgs }) => ({
      id: session.id,
      ...placeReply(session, lastUsedAt),
      isCurrent,
      isNewBrowser: !session.isFamiliar,
      orgs: orgs.map(({ org, until }) => ({ id: org.id, name: org.name, expiresAt: rfc3339(until) })),
    })),
  })),
  on(routes.endAccountSession, async ({ session, params }) => {
    await lists.end(session, parseId("session", params["session"] ?? ""));
    return {};
  }),
  on(routes.endOtherAccountSessions, async ({ session }) => ({ ended: await lists.endOthers(session) })),

  on(routes.listMemberSessions, async ({ permit, params }) => ({
    items: (await lists.ofMember(permit, parseId("person", params["person"] ?? ""))).map(
      ({ session, id, lastUsedAt, until }) => ({
        id,
        ...placeReply(session, lastUsedAt),
        expiresAt: rfc3339(until),
      }),
    ),
  })),
  on(routes.endMemberSessions, async ({ permit, params }) => ({
    ended: await lists.endOfMember(permit, parseId("person", params["person"] ?? "")),
  })),
];

function placeReply({ from, proofs, createdAt }: Session, lastUsedAt: Instant) {
  const { name, system } = programOf(from.agent);
  return {
    address: from.address,
    program: { ...(name !== undefined && { name }), ...(system !== undefined && { system }) },
    proofs: [...proofs],
    createdAt: rfc3339(createdAt),
    lastUsedAt: rfc3339(lastUsedAt),
  };
}
