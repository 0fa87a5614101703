/** Every operation of the HTTP API. */
export * from "./orgs.ts";
export {
  createApplication,
  deleteApplication,
  listApplications,
  readApplication,
  updateApplication,
} from "./applications.ts";
export { createProduct, deleteProduct, listProducts, readProduct, updateProduct } from "./products.ts";
export {
  readDeviceDoor,
  readProductDoor,
  removeDeviceDoor,
  removeProductDoor,
  setDeviceDoor,
  setProductDoor,
} from "./doors.ts";
export {
  createDashboard,
  createDashboardLink,
  deleteDashboard,
  endDashboardLink,
  listDashboardLinks,
  listDashboards,
  previewDashboard,
  readDashboard,
  readDashboardDevices,
  updateDashboard,
} from "./dashboards.ts";
export { readPosture } from "./posture.ts";
export { listTwinChanges, readOwnTwin, readTwin, reportTwin, updateTwin } from "./twins.ts";
export {
  acknowledgeCommand,
  approveCommand,
  cancelCommand,
  listBatchCommands,
  listCommands,
  listOwnCommands,
  readBatch,
  readCommand,
  replyToCommand,
  sendCommand,
  sendCommands,
} from "./commands.ts";
export { createListEntry, listEntries, readListEntry, removeListEntry } from "./lists.ts";
export {
  summariseDevices,
  bindDevice,
  checkSecrets,
  createDevice,
  deleteDevice,
  listDevices,
  mintDeviceKey,
  listDeviceSessions,
  readDevice,
  removeGateway,
  resumeDevice,
  retireDevice,
  setGateway,
  suspendDevice,
  updateDevice,
} from "./devices.ts";
export {
  createAccessKey,
  createOperatorKey,
  createToken,
  explain,
  listCredentials,
  listCredentialSessions,
  readCredential,
  revoke,
  previewRevocation,
  previewRevocationUnder,
  revokeCredential,
  rotateCredential,
} from "./credentials.ts";
export {
  endCertificateAuthority,
  issueCertificate,
  listCertificateAuthorities,
  listCertificates,
  renewCertificate,
  revocationList,
} from "./certificates.ts";
export * from "./est.ts";
export { askManufacturer, createManufacturer, listManufacturers } from "./manufacturers.ts";
export { eraseDevice, eraseUserReadings } from "./erasing.ts";
export {
  previewOrgRetention,
  previewProductRetention,
  readOrgRetention,
  readProductRetention,
  removeProductRetention,
  setOrgRetention,
  setProductRetention,
} from "./retention.ts";
export {
  exportTelemetry,
  queryTelemetry,
  readLatest,
  readLatestOfMany,
  readTelemetry,
  sendTelemetry,
  sendTelemetryFor,
  watch,
  writeLines,
} from "./telemetry.ts";
export {
  acceptInvitation,
  invitationPasskeyOptions,
  invite,
  listInvitations,
  listMembers,
  removeMember,
  resumeMember,
  suspendMember,
  updateMember,
  withdrawInvitation,
} from "./members.ts";
export { applyRoles, createRole, deleteRole, exportRoles, listRoles, readRole, updateRole } from "./roles.ts";
export { previewDemands } from "./demands.ts";
export { simulateChange } from "./simulations.ts";
export { readUpkeep, reportLeak, updateUpkeep } from "./upkeep.ts";
export {
  confirmIdentity,
  endAccountSession,
  endMemberSessions,
  endOtherAccountSessions,
  listAccountSessions,
  listMemberSessions,
} from "./account-sessions.ts";
export { addTotp, offerTotp, readAccount, removeTotp, renewRecoveryCodes, takeInvitation } from "./account.ts";
export {
  askVerification,
  changeEmail,
  changePassword,
  forgotPassword,
  removePassword,
  readEmail,
  resetPassword,
  verifyEmail,
} from "./account-password.ts";
export { createSession, deleteSession, readSession } from "./sessions.ts";
export { leaveOrganisation } from "./account-orgs.ts";
export {
  deleteOrganisation,
  keepOrganisation,
  confirmOrganisation,
  confirmOrganisations,
  listOrganisations,
  listPeople,
  makeAdministrator,
  resumeOrganisation,
  suspendOrganisation,
  unmakeAdministrator,
} from "./instance.ts";
export {
  activateUser,
  createUser,
  listOwnUserSessions,
  listUserDevices,
  listUsers,
  listUserSessions,
  readOwnUser,
  readUser,
  refreshUser,
  removeOwnUser,
  removeUser,
  resetUser,
  setUserPassword,
  signInUser,
  signOutUser,
  signUpUser,
  suspendUser,
  endOtherUserSessions,
  endOwnUserSession,
  endUserSession,
  endUserSessions,
} from "./application-users.ts";
export {
  claimDevice,
  contestDevice,
  createClaimCode,
  keepOwnDevice,
  listOwnClaims,
  objectToContest,
  readDeviceClaim,
  releaseOwnDevice,
  transferOwnDevice,
} from "./claims.ts";
export { listDeviceRoots, readRoots, reportRoots, rootsBundle, switchRoots } from "./roots.ts";
export { offerHandover, readHandover, takeHandover, withdrawHandover } from "./handovers.ts";
export {
  createOwnPasskey,
  listOwnPasskeys,
  listUserPasskeys,
  ownPasskeyOptions,
  passkeySignInOptions,
  passkeySignUpOptions,
  removeOwnPasskey,
  removeUserPasskey,
  renameOwnPasskey,
  signInWithPasskey,
  signUpWithPasskey,
} from "./passkeys.ts";
export {
  accountPasskeyOptions,
  createAccountPasskey,
  listAccountPasskeys,
  passkeyQuestion,
  removeAccountPasskey,
  renameAccountPasskey,
} from "./account-passkeys.ts";
export {
  beginFactorReset,
  callOffFactorReset,
  callOffFactorResetByLink,
  callOffOwnFactorReset,
  listFactorResets,
  readOwnFactorReset,
} from "./factor-resets.ts";
export { listAudit } from "./audit.ts";
export { givePlan, listConnections, listPlans, readQuotas, readUsage, removePlan, savePlan } from "./usage.ts";
export {
  certificateFile,
  certificates,
  healthz,
  metrics,
  openapi,
  readPlatform,
  readyz,
  securityTxt,
} from "./platform.ts";
export {
  createOwnListEntry,
  listDeviceUserEntries,
  listOwnListEntries,
  readOwnListEntry,
  removeOwnListEntry,
} from "./user-lists.ts";
export { approveActivation, readActivation, refuseActivation } from "./activations.ts";
export { authorizeDevice, obtainToken, readOAuth, revokeToken } from "./oauth.ts";
export {
  addDomain,
  approveDomain,
  createProvider,
  listLinkedPeople,
  listProviders,
  proveDomain,
  readProvider,
  removeDomain,
  removeProvider,
  tryProvider,
  unlinkPerson,
  updateProvider,
  withdrawDomain,
} from "./providers.ts";
export {
  beginLink,
  beginProviderSignIn,
  endLink,
  endProviderSignIn,
  listOwnProviders,
  providerSignedOut,
  removeLink,
} from "./provider-sign-ins.ts";
export { relayFrame } from "./relay.ts";
export { admitToGroup, createGroup, deleteGroup, expelFromGroup, listGroups, readGroup } from "./groups.ts";
export {
  answerTask,
  cancelTask,
  leaseTasks,
  listTasks,
  putOwnTask,
  putTask,
  readTask,
  releaseTask,
  renewTask,
} from "./tasks.ts";
export {
  acknowledgeAlert,
  createAlertRule,
  createWebhook,
  deleteAlertRule,
  deleteWebhook,
  listAlertRules,
  listAlerts,
  listWebhooks,
  readAlert,
  readAlertRule,
  tryWebhook,
  updateAlertRule,
  updateWebhook,
} from "./alerts.ts";
