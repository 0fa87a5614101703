/**
 * Which SECURITY DEFINER functions each of the two doors may call. At every start the roles are granted exactly these, and
 * the self-check fails when there are others. A function answers with a table: `returns table (org uuid)`.
 */
export const directoryFunctions = [
  "high_water",
  "org_of_credential",
  "credentials_of_digest",
  "credential_of_certificate",
  "all_orgs",
  "orgs_of_person",
  "org_of_invitation",
  "org_of_handover",
  "org_of_refresh",
  "plan_uses",
  "provider_called",
  "orgs_ending",
  "orgs_outside",
  "memberships_of",
  "socket_addresses",
  "orgs_unconfirmed",
  "org_of_product",
  "org_of_authority",
] as const;
export type DirectoryFunction = (typeof directoryFunctions)[number];

export const maintainFunctions = [
  "raise_high_water",
  "advance_revocations",
  "log_state",
  "log_segments",
  "log_orgs",
  "message_log_orgs",
  "open_segment",
  "drop_segment",
  "open_month",
  "orgs_untidy",
  "chunk_months",
  "orgs_in_month",
  "drop_month",
  "orgs_erasing",
  "orgs_with_left_objects",
  "cold_object_names",
  "end_presences",
  "erase_org",
  "orgs_erased",
  "keys_of_erased",
  "end_connections",
  "forget_connections",
  "fold_usage",
  "orgs_with_past",
  "forget_decisions",
  "forget_ended_certificates",
  "orgs_with_domains_due",
  "orgs_with_commands_due",
  "orgs_with_tasks_due",
  "orgs_with_alerts",
] as const;
export type MaintainFunction = (typeof maintainFunctions)[number];
