export { spacesOf } from "./telling.ts";
export { alertOwners } from "./alerting.ts";
export { Account } from "./account.ts";
export { organisationsOf, type RefusedSignIn } from "./attempts.ts";
export { Activations } from "./activations.ts";
export { Browsers } from "./browsers.ts";
export { Confirming, unconfirmed } from "./confirming.ts";
export { Ending } from "./ending.ts";
export { ErrandRuns } from "./errand-runs.ts";
export { Factors } from "./factors.ts";
export { removeBroughtBack } from "./brought-back.ts";
export { Comers } from "./comers.ts";
export { FactorResets } from "./factor-resets.ts";
export { found } from "./founding.ts";
export { Identity, type Fleet } from "./identity.ts";
export type { Invitation } from "./invitation.ts";
export { Invitations } from "./invitations.ts";
export { KnownBrowsers } from "./known-browsers.ts";
export { memberRuling } from "./member-ruling.ts";
export { homesOf } from "./homes.ts";
export { giveRole, Members, refuseLastOwner } from "./members.ts";
export {
  demandsIn,
  demandsRuling,
  Organisations,
  organisationsIn,
  standingIn,
  standingRuling,
} from "./organisation.ts";
export { OwnEmails } from "./own-email.ts";
export { OwnPasswords } from "./own-password.ts";
export type { Letter } from "./letter.ts";
export { Post, type Carrier } from "./outbox.ts";
export { reconcilePasswords } from "./password-ruling.ts";
export { refuseWeak } from "./password.ts";
export { homeOf, normalEmail, type Person } from "./person.ts";
export { PasskeyProof } from "./passkey-proof.ts";
export { PersonPasskeys } from "./person-passkeys.ts";
export { peopleIn } from "./postgres.ts";
export { Proving } from "./proving.ts";
export { SessionLists } from "./session-lists.ts";
export { SignInNotices } from "./sign-in-notices.ts";
export { SetupOffer } from "./setup.ts";
