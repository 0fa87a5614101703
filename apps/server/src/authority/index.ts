export { Administrators } from "./administrators.ts";
export type { Allowance } from "./allowance.ts";
export { Authentication, type Known } from "./authentication.ts";
export { orgAt, type Births } from "./births.ts";
export { heldOf } from "./bound.ts";
export { checkBrought, type Brought } from "./brought-secrets.ts";
export { askAlso, refusedBy, type Caller, type OnRefusal, type Refused } from "./caller.ts";
export { cameBy, cameBySocket, unsaid, type Came } from "./circumstances.ts";
export { parties, type Credential } from "./credential.ts";
export { isOf, moreShown, type Dashboard as KnownDashboard, type Showing } from "./dashboard.ts";
export { decisionsIn } from "./decision-rows.ts";
export { levelOf, readDoor, saidBy, takesPlain, type Level } from "./door.ts";
export type { Leaks } from "./leaks.ts";
export { lifeOf } from "./life.ts";
export type { LettingGo } from "./letting-go.ts";
export { providerRequired } from "./by-provider.ts";
export { refuseLacking, type Factors } from "./factors.ts";
export { enrolmentsIn, type EnrolledBy } from "./enrolment-rows.ts";
export { HighWater } from "./high-water.ts";
export { inPerson, inPersonLately, refuseGivingMore, refuseTouchingGreater } from "./in-person.ts";
export type { Certified, Enrolling, Issuing, Signer } from "./issuing.ts";
export { Journal } from "./journal.ts";
export type { Held } from "./heritage.ts";
export { ListKeeping, withHits } from "./list-keeping.ts";
export { shutOut } from "./lists.ts";
export { hostOf, isAddressOf, parseNetwork, type Network } from "./network.ts";
export { Minting, type MintedKey, type MintedToken, type MintsForUser } from "./minting.ts";
export { on, type Begun, type Download, type Handler, type Raw, type Sent } from "./on.ts";
export { permitReading } from "./past-reading.ts";
export { readableAttributes, readerOf, type Permit, type Reach } from "./permit.ts";
export type { Connections, Open } from "./preview.ts";
export { authorityIn, membershipOf } from "./postgres.ts";
export {
  askToReadCredentials,
  credentialId,
  knowDeviceKeys,
  readCredential,
  readLinks,
  seesCredential,
} from "./reading.ts";
export type { DeviceKey } from "./device-keys.ts";
export { narrowestDoor, strictest } from "./narrowing.ts";
export { listRuling } from "./list-ruling.ts";
export { kindOf, Rulings, type Kind } from "./rulings.ts";
export { secretRuling } from "./secret-ruling.ts";
export { reachSql, tagIndex } from "./reach-sql.ts";
export { Revocation } from "./revocation.ts";
export { nameOf } from "./role-change.ts";
export { Roles } from "./role-keeping.ts";
export { grantsOfRole, holds, purposeOf, type Member, type Membership } from "./roles.ts";
export { SocketAddresses } from "./socket-addresses.ts";
export type { Standing } from "./standing.ts";
export { askToShare, mayKnow, maySee, noteOpening, refuseShowingMore } from "./showing.ts";
export { Sessions } from "./sessions.ts";
export { refuseToShutOut } from "./shutting-out.ts";
export { confirmedFor, type Proof, type Session, type Visit } from "./session.ts";
export type { KnownGroup, Rights } from "./known-groups.ts";
export type { Names } from "./children.ts";
export { eachInTurn, inTurn } from "./in-turn.ts";
export { speaksFor } from "./placement.ts";
export type { Bounds, Placement, Schema, Space } from "./space.ts";
export { asPlatform, Spaces, type Homes, type Things } from "./spaces.ts";
export { upkeepIn } from "./upkeep.ts";
export { Unwelcome } from "./unwelcome.ts";
export { TokenKeys } from "./token-keys.ts";
export { userListsIn, type KeptUserEntry } from "./user-list-rows.ts";
export { isAbout, readUserValue, UserLists, type UserEntry } from "./user-lists.ts";
export { widens } from "./widening.ts";
export { permitsWithin, withinReach } from "./within.ts";
