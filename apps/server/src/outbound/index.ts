export { OwnListeners, TurnedAway, type Key } from "./own-listeners.ts";
