import * as pulumi from "@pulumi/pulumi";
import { Hosts } from "../../../../../components/hosts.ts";
import { awsSource } from "../../../../../components/sources/aws/index.ts";
import { awsArgs } from "../../../../../settings.ts";
import { type Functions, Recorder } from "../../../../support/mocks.ts";
import { prodTopology, type Raw } from "../../../fixtures.ts";

/** What the prod stack's hosts become, with some of its configuration changed. */
export async function recordHosts(
	change: (config: Raw) => void = () => {},
	opts: pulumi.ComponentResourceOptions = {},
	functions: Functions = {},
): Promise<Recorder> {
	const recorder = new Recorder({}, functions);
	await recorder.start("swarm-scaleout", "prod");
	new Hosts("hosts", { source: prodSource(change) }, opts);
	await pulumi.runtime.disconnect();
	return recorder;
}

/** Where the prod stack's hosts come from. */
export const prodSource = (change?: (config: Raw) => void) => awsSource(prodArgs(change));

export const prodArgs = (change?: (config: Raw) => void) => awsArgs(prodTopology(change));

/** The tags of a resource of the prod stack. */
export const tagged = (name: string) => ({ Project: "swarm-scaleout", Stack: "prod", Name: `swarm-scaleout-prod-${name}` });
