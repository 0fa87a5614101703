export { DoorCard } from "./door-card.tsx";
