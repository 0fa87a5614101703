export { Dashboards } from "./list.tsx";
export { DashboardPage } from "./page.tsx";
export { EditDashboard } from "./edit.tsx";
export { Shared } from "./shared.tsx";
