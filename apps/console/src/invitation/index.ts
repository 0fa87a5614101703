export { Invitation } from "./invitation.tsx";
