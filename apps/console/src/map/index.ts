export { marksOf, placesIn } from "./places.ts";
export { WorldMap, type Mark } from "./world-map.tsx";
export { locationOf, onEarth } from "./location.ts";
