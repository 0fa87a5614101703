export { OrganisationDoor } from "./by-organisation.tsx";
export { Callback } from "./callback.tsx";
export { SetUp } from "./set-up.tsx";
export { SignIn } from "./sign-in.tsx";
