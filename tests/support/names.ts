/** Names of a stack with default settings. */
import * as names from "../../names";
import { settingsOf } from "./stacks";

export const settings = settingsOf("dev");

export const namespaces = names.namespaces(settings);
export const services = names.services(settings);
export const urls = names.urls(settings);
export const webhooks = names.webhooks(settings);
export const instrumentation = names.instrumentation(settings);
export const lokiFrontendAddress = names.lokiFrontendAddress(settings);
export const tracesReplicasHost = names.tracesReplicasHost(settings);
