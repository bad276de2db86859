import * as pulumi from "@pulumi/pulumi";
import { requireService } from "swarm-scaleout/outputs";
import { ServiceAlarm, serviceRecord } from "./service.ts";

const config = new pulumi.Config();
const scaleout = new pulumi.StackReference(config.require("stack"));
const serviceName = config.require("service");
const endpoint = requireService(scaleout, serviceName).endpoint.apply((url) => {
	if (url === null) throw new Error(`service ${serviceName}: no site of the load balancer leads to it`);
	return url;
});

const record = serviceRecord("was", { zoneId: config.require("zoneId"), name: config.require("name"), endpoint });
const alarm = new ServiceAlarm("was", {
	endpoint,
	serviceName,
	healthPath: config.get("healthPath") ?? "/health",
	topic: config.require("alarmTopic"),
});

/** The name under which the service is found. */
export const name = record.fqdn;
/** The alarm that says that it cannot be reached. */
export const alarmArn = alarm.arn;
