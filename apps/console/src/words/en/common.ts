// What stands on many pages.
export const product = "Holdfast";

export const skipToContent = "Skip to the content";

export const places = {
  overview: "Overview",
  devices: "Devices",
  products: "Products",
  dashboards: "Dashboards",
  alerts: "Alerts",
  access: "Access",
  audit: "Audit",
  usage: "Usage",
  settings: "Settings",
  security: "Security",
  providers: "Sign-in by providers",
};

export const common = {
  interval: "Reporting interval",
  intervalFault: "A length of time from 1s to 31d, such as 30s, 15m or 24h.",
  loading: "Loading …",
  loadMore: "Load more",
  cancel: "Cancel",
  save: "Save",
  close: "Close",
  copy: "Copy",
  copied: "Copied",
  download: "Download",
  never: "never",
  none: "none",
  name: "Name",
  actions: "Actions",
  id: "Id",
  state: "State",
  created: "Created",
  typeToConfirm: (name: string) => `Type “${name}” to confirm`,
  secretOnce: "This is shown this once and cannot be shown again. Copy it or download it now.",
  unchanged: "Nothing is changed yet.",
  notAllowed: (action: string) => `Your role does not hold ${action}.`,
  rows: (shown: number, total: number | undefined) =>
    total === undefined ? `${shown} shown` : `${shown} of ${total} shown`,
  selected: (count: number) => `${count} selected`,
  slow: (seconds: number) => `Still asking, for ${seconds} s …`,
};

export const table = {
  selectAll: "Select all rows shown",
  select: (name: string) => `Select ${name}`,
  altered: (count: number) =>
    count === 1 ? "1 of these was altered in the database" : `${count} of these were altered in the database`,
  alteredHint:
    "Nothing but the id can be shown. The log says so to whoever runs the platform; a backup has it as it was.",
};

export const problem = {
  title: "That did not work",
  code: "Code",
  request: "Request",
  copy: "Copy the details",
  retry: "Try again",
  unreachable: "The platform does not answer. Check the connection; nothing you typed is lost.",
  strange:
    "The answer was not one that this console understands. Reload the page: the platform may have a newer version.",
  unknown: "Something in this page failed. Reload it; if it happens again, report the details.",
  notShown: "This page cannot be shown",
  nowhere: "There is no such place.",
  toStart: "To the start",
};

export const state = {
  active: "active",
  pending: "waits",
  suspended: "suspended",
  retired: "retired",
  online: "online",
  offline: "offline",
  silent: "silent",
  notReceiving: "takes nothing",
  flapping: "comes and goes",
  revoked: "revoked",
  expired: "expired",
  ending: "being deleted",
  unconfirmed: "restored, not confirmed",
  raised: "raised",
  acknowledged: "acknowledged",
  cleared: "cleared",
  failing: "failing",
  disabled: "disabled",
};

export const time = {
  justNow: "just now",
  ago: (text: string) => `${text} ago`,
  in: (text: string) => `in ${text}`,
  seconds: (n: number) => `${n} s`,
  minutes: (n: number) => `${n} min`,
  hours: (n: number) => `${n} h`,
  days: (n: number) => `${n} d`,
};
