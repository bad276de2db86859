import * as pulumi from "@pulumi/pulumi";
import { requireOutput } from "swarm-scaleout/outputs";
import { ServiceAlarm, serviceRecord } from "./service.ts";

const config = new pulumi.Config();
const scaleout = new pulumi.StackReference(config.require("stack"));
const endpoint = requireOutput(scaleout, "endpoint");

const record = serviceRecord("was", { zoneId: config.require("zoneId"), name: config.require("name"), endpoint });
const alarm = new ServiceAlarm("was", {
	endpoint,
	serviceName: requireOutput(scaleout, "serviceName"),
	healthPath: config.get("healthPath") ?? "/health",
	topic: config.require("alarmTopic"),
});

/** The name under which the service is found. */
export const name = record.fqdn;
/** The alarm that says that it cannot be reached. */
export const alarmArn = alarm.arn;
