export {
  attributesResponseTopic,
  foreignAttributesTopic,
  foreignCommandTopic,
  foreignTree,
  isSaid,
  rpcRequestTopic,
  sharedAttributesTopic,
  type Foreign,
} from "./foreign.ts";
export {
  childAttributesResponseTopic,
  childAttributesTopic,
  childRpcTopic,
  gatewaySynonym,
  parseGatewayTopic,
  type ChildAsked,
  type GatewaySaying,
} from "./of-children.ts";
export {
  actions,
  allActions,
  instanceActions,
  isAction,
  isBuiltIn,
  roleNames,
  type Action,
  type BuiltInRole,
  type KindOf,
  type Role,
} from "./actions.ts";
export {
  formatGrant,
  formatWhere,
  mostDevicesInGrant,
  mostGrants,
  parseGrant,
  parseGrants,
  type Grant,
  type Where,
} from "./grant.ts";
export { mostGrantsInRole } from "./roles.ts";
export { usualDays, type SimulatedChange } from "./simulations.ts";
export { isOfNoApplication, presets, type CredentialKind, type Preset } from "./kinds.ts";
export { isAttributeName } from "./attribute-name.ts";
export { route, type On, type Route } from "./route.ts";
export {
  liveEvents,
  type LiveEnd,
  type LivePresence,
  type LiveReading,
  type LiveRefused,
  type LiveStranger,
} from "./live.ts";
export { conditions, days, formatHours, parseHours, type Conditions, type Day, type Hours } from "./conditions.ts";
export { demands, mostSessionMinutes, type Demands } from "./demands.ts";
export { door, proofs, visitorKinds, type Door, type Visitors } from "./doors.ts";
export {
  dashboardColumns,
  dashboardRanges,
  mostDevicesInSource,
  mostWidgets,
  type DashboardSource,
  type Widget,
} from "./dashboards.ts";
export { dashboardFileOf, devicesNamed, readDashboardFile, sourcesOf } from "./dashboard-file.ts";
export { listed, listNames, type Listed, type ListName } from "./lists.ts";
export { programKinds, userListed, type UserListed } from "./user-lists.ts";
export {
  leastTransports,
  socketModes,
  tlsVersions,
  transports,
  type SocketMode,
  type TlsVersion,
  type Transport,
} from "./transport.ts";
export { keep, type Keep } from "./retention.ts";
export {
  commandTopic,
  desiredTopic,
  isCommandName,
  devicesOwnTopics,
  parseTopic,
  replyTopic,
  reportedTopic,
  rootsTopic,
  telemetryTopic,
  type Topic,
  parseGroupTopic,
  taskTopic,
  tasksWaitTopic,
  type GroupTopic,
} from "./topics.ts";
export { commandStates, type CancelReason, type CommandState } from "./commands.ts";
export { step, timeZone, type Step } from "./step.ts";
export {
  aggregates,
  exportFormats,
  exportPointsHeader,
  fills,
  percentiles,
  precisions,
  watchHello,
  type Aggregate,
  type ExportFormat,
  type Fill,
} from "./telemetry.ts";
export { callbackOf } from "./providers.ts";
export { type MadePasskey, type ShownPasskey } from "./passkey-shapes.ts";
export { alertCauses, alertStates, type AlertCause, type AlertState } from "./alerts.ts";
export { deviceOrders, deviceTroubles, presenceFilters } from "./devices.ts";
export { deviceFindings, findingTexts, type DeviceFinding } from "./posture.ts";
export { betweenTags, duration, unfindable, unshowable } from "./shapes.ts";
export {
  attributeType,
  millisecondsOf,
  reportingInterval,
  violations,
  type AttributeType,
  type Violations,
} from "./products.ts";
export { platformFacts, problem } from "./platform.ts";
export { quotaNames, usageSteps, usageGroups, type QuotaName } from "./usage.ts";
export { findings, type Finding, type Upkeep } from "./upkeep.ts";
export { browserCookie, orgHeader, sessionCookie } from "./sessions.ts";
export { commandClient, deviceCodeGrant, oauthErrors, type OAuthError } from "./oauth.ts";
export { rootTrust } from "./roots.ts";
export * as routes from "./routes.ts";
export { everyRoute } from "./every-route.ts";
export { ownTasks, taskStates, type TaskState } from "./tasks.ts";
