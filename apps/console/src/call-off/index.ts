export { CallOff } from "./call-off.tsx";
