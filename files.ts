/** Files that the program reads, such as pipelines, alert rules and runbooks. */
import { join } from "node:path";

/**
 * Path of a file or folder of the project. This module, a bundle of it, and the package's copy of it are in
 * the root of these files.
 */
export const projectFile = (...path: string[]): string => join(__dirname, ...path);
