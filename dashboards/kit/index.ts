export * from "./dashboard";
export * from "./panels";
export * from "./promql";
export * from "./rows";
export * from "./sources";
export * from "./spans";
