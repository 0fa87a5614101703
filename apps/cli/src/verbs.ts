import { alertVerbs } from "./verbs/alerts.ts";
import { applicationVerbs } from "./verbs/applications.ts";
import { appUserVerbs } from "./verbs/app-users.ts";
import { auditVerbs } from "./verbs/audit.ts";
import { backupVerbs } from "./verbs/backups.ts";
import { certificateVerbs } from "./verbs/certificates.ts";
import { claimVerbs } from "./verbs/claims.ts";
import { importVerbs } from "./verbs/importing.ts";
import { commandVerbs } from "./verbs/commands.ts";
import { groupVerbs } from "./verbs/groups.ts";
import { credentialVerbs } from "./verbs/credentials.ts";
import { dashboardVerbs } from "./verbs/dashboards.ts";
import { deviceVerbs } from "./verbs/devices.ts";
import { postureVerbs } from "./verbs/posture.ts";
import { domainVerbs } from "./verbs/domains.ts";
import { doorVerbs } from "./verbs/doors.ts";
import { instanceVerbs } from "./verbs/instance.ts";
import { issuedVerbs } from "./verbs/issued.ts";
import { manufacturerVerbs } from "./verbs/manufacturers.ts";
import { factorResetVerbs } from "./verbs/factor-resets.ts";
import { invitationVerbs } from "./verbs/invitations.ts";
import { keysVerbs } from "./verbs/keys.ts";
import { listVerbs } from "./verbs/lists.ts";
import { memberSessionVerbs } from "./verbs/member-sessions.ts";
import { memberVerbs } from "./verbs/members.ts";
import { mintingVerbs } from "./verbs/minting.ts";
import { orgVerbs } from "./verbs/orgs.ts";
import { passwordVerbs } from "./verbs/passwords.ts";
import { productVerbs } from "./verbs/products.ts";
import { providerVerbs } from "./verbs/providers.ts";
import { retentionVerbs } from "./verbs/retention.ts";
import { roleVerbs } from "./verbs/roles.ts";
import { rootVerbs } from "./verbs/roots.ts";
import { securityVerbs } from "./verbs/security.ts";
import { setupVerbs } from "./verbs/setup.ts";
import { signInVerbs } from "./verbs/sign-in.ts";
import { simulatingVerbs } from "./verbs/simulating.ts";
import { simulationVerbs } from "./verbs/simulation.ts";
import { tailVerbs } from "./verbs/tail.ts";
import { telemetryVerbs } from "./verbs/telemetry.ts";
import { twinVerbs } from "./verbs/twins.ts";
import { usageVerbs } from "./verbs/usage.ts";
import type { Verb } from "./verb.ts";

/** Everything the command can do, in the order in which help lists it. */
export const verbs: readonly Verb[] = [
  ...setupVerbs,
  ...signInVerbs,
  ...passwordVerbs,
  ...orgVerbs,
  ...memberVerbs,
  ...memberSessionVerbs,
  ...invitationVerbs,
  ...providerVerbs,
  ...domainVerbs,
  ...roleVerbs,
  ...applicationVerbs,
  ...appUserVerbs,
  ...productVerbs,
  ...deviceVerbs,
  ...postureVerbs,
  ...importVerbs,
  ...claimVerbs,
  ...tailVerbs,
  ...telemetryVerbs,
  ...twinVerbs,
  ...commandVerbs,
  ...groupVerbs,
  ...alertVerbs,
  ...dashboardVerbs,
  ...retentionVerbs,
  ...mintingVerbs,
  ...credentialVerbs,
  ...issuedVerbs,
  ...manufacturerVerbs,
  ...doorVerbs,
  ...listVerbs,
  ...simulatingVerbs,
  ...auditVerbs,
  ...usageVerbs,
  ...certificateVerbs,
  ...securityVerbs,
  ...simulationVerbs,
  ...instanceVerbs,
  ...rootVerbs,
  ...factorResetVerbs,
  ...backupVerbs,
  ...keysVerbs,
];
