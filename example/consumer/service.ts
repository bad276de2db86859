import { isIPv4 } from "node:net";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** A DNS name for an endpoint: an address record when it is an address, an alias otherwise. */
export function serviceRecord(name: string, args: { zoneId: string; name: string; endpoint: pulumi.Output<string> }): aws.route53.Record {
	const host = args.endpoint.apply((url) => new URL(url).hostname);
	return new aws.route53.Record(name, {
		zoneId: args.zoneId,
		name: args.name,
		type: host.apply((of) => (isIPv4(of) ? "A" : "CNAME")),
		ttl: 60,
		records: [host],
	});
}

export interface ServiceAlarmArgs {
	/** URL of the service, `http://192.0.2.1` or `https://was.example.com:8443`. */
	endpoint: pulumi.Output<string>;
	serviceName: string;
	/** Path that answers 200 when the service can serve. */
	healthPath: string;
	/** ARN of the SNS topic that is told. */
	topic: string;
}

/** Asks the service from outside, twice a minute, and raises an alarm when it does not answer for two minutes. */
export class ServiceAlarm extends pulumi.ComponentResource {
	readonly arn: pulumi.Output<string>;

	constructor(name: string, { endpoint, serviceName, healthPath, topic }: ServiceAlarmArgs, opts?: pulumi.ComponentResourceOptions) {
		super("scaleout-consumer:index:ServiceAlarm", name, {}, opts);
		const target = endpoint.apply(targetOf);
		const check = new aws.route53.HealthCheck(
			name,
			{
				type: target.type,
				fqdn: target.fqdn,
				port: target.port,
				resourcePath: healthPath,
				requestInterval: 30,
				failureThreshold: 3,
			},
			{ parent: this },
		);
		// Route 53 keeps its measurements there and nowhere else.
		const provider = new aws.Provider(`${name}-us-east-1`, { region: "us-east-1" }, { parent: this });
		const alarm = new aws.cloudwatch.MetricAlarm(
			name,
			{
				alarmDescription: pulumi.interpolate`${serviceName} does not answer at ${endpoint}${healthPath}`,
				namespace: "AWS/Route53",
				metricName: "HealthCheckStatus",
				dimensions: { HealthCheckId: check.id },
				statistic: "Minimum",
				comparisonOperator: "LessThanThreshold",
				threshold: 1,
				period: 60,
				evaluationPeriods: 2,
				treatMissingData: "breaching",
				alarmActions: [topic],
				okActions: [topic],
			},
			{ parent: this, provider },
		);
		this.arn = alarm.arn;
		this.registerOutputs({ arn: this.arn });
	}
}

/** What to ask, as Route 53 takes it. */
function targetOf(endpoint: string): { type: string; fqdn: string; port: number } {
	const { protocol, hostname, port } = new URL(endpoint);
	const isHttps = protocol === "https:";
	return { type: isHttps ? "HTTPS" : "HTTP", fqdn: hostname, port: Number(port) || (isHttps ? 443 : 80) };
}
