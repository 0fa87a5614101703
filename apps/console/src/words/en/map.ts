export const map = {
  label: (count: number) =>
    `Map of the world with ${count} devices. Arrow keys move it, plus and minus zoom, 0 shows all devices. The places are in the list below it.`,
  in: "Zoom in",
  out: "Zoom out",
  all: "Show all devices",
  places: "Places",
  latitude: "Latitude",
  longitude: "Longitude",
  unplaced: (count: number) => `${count} without a place`,
  outline: "Outline of the land: Natural Earth",
  several: (count: number) => `${count} devices`,
} as const;
