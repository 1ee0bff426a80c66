export * from "./dashboard";
export type * from "./look";
export * from "./panels";
export * from "./promql";
export { of, type Query } from "./queries";
export * from "./rows";
export * from "./sources";
export * from "./spans";
