export { Chart } from "./chart.tsx";
export { aligned, parseRange, ranges, spacing, stepFor, type Bucket, type RangeName } from "./series.ts";
