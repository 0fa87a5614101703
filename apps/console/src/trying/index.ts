export { TryButton, Tried, useTrying } from "./trying.tsx";
