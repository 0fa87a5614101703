import type { Instant } from "@holdfast/kernel";
import type { Finding, Upkeep } from "@holdfast/protocol";
import type { Credential } from "./credential.ts";
import { isExposed } from "./leaks.ts";

export type { Finding } from "@holdfast/protocol";

const day = 86_400_000; // milliseconds

/** What somebody should look at. What leaked is told after its end too: then somebody asks why nothing works. */
export function findingsOf(
  credential: Credential,
  standing: "active" | "revoked" | "expired",
  { oldAfterDays }: Upkeep,
  now: Instant,
): readonly Finding[] {
  const { kind, createdAt, rotatedAt = createdAt, leakedAt } = credential;
  // A browser's session has no secret that grows old: it is over in hours.
  const isOld = standing === "active" && kind !== "session" && now - rotatedAt >= oldAfterDays * day;
  return [
    ...(leakedAt === undefined ? [] : ["leaked" as const]),
    ...(isExposed(credential, now) ? ["exposed" as const] : []),
    ...(isOld ? ["old" as const] : []),
  ];
}
