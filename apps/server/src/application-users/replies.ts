import { thumbprint } from "@holdfast/crypto";
import { parseId, rfc3339, type Id } from "@holdfast/kernel";
import type { SignedIn } from "./beginning.ts";
import type { UserSession } from "./session.ts";
import type { User } from "./user.ts";
import type { ShownCode } from "./users.ts";

// What paths name, and how users and their sessions are shown.

export const userIn = (params: Readonly<Record<string, string>>): Id<"user"> => parseId("user", params["user"] ?? "");
export const sessionIn = (params: Readonly<Record<string, string>>): Id<"session"> =>
  parseId("session", params["session"] ?? "");

export const userReply = ({ id, application, login, state, createdAt }: User) => ({
  id,
  application,
  login,
  state,
  createdAt: rfc3339(createdAt),
});

export const codeReply = ({ code, expiresAt }: ShownCode) => ({ code, codeExpiresAt: rfc3339(expiresAt) });

export const signedInReply = ({ session, access, refreshToken }: SignedIn) => ({
  user: session.user,
  session: session.id,
  accessToken: access.token,
  accessExpiresAt: rfc3339(access.expiresAt),
  refreshToken,
  expiresAt: rfc3339(session.expiresAt),
});

export const sessionsReply = (sessions: readonly UserSession[], current?: Id<"session">) => ({
  items: sessions.map(({ id, createdAt, seenAt, expiresAt, from, publicKey, exposedAt }) => ({
    id,
    createdAt: rfc3339(createdAt),
    seenAt: rfc3339(seenAt),
    expiresAt: rfc3339(expiresAt),
    ...(from !== undefined && { from }),
    ...(publicKey && { boundTo: thumbprint(publicKey) }),
    ...(exposedAt !== undefined && { exposedAt: rfc3339(exposedAt) }),
    ...(id === current && { isCurrent: true as const }),
  })),
});
