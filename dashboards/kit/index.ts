export * from "./dashboard";
export * from "./panels";
export * from "./sources";
