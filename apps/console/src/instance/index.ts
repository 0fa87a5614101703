export { InstanceFrame } from "./frame.tsx";
export { InstanceOrganisations, InstancePeople } from "./pages.tsx";
