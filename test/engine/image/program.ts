import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { WasImage } from "../../../components/image.ts";
import { Registry } from "../../../components/registry.ts";
import { readRegistryCa, readRegistryPassword } from "../../../config/registry.ts";
import { topologySchema } from "../../../config/schema.ts";
import { image as imageSection } from "../../../config/sections/image.ts";

/* Registry and image of a stack without hosts, and a command that is given the image as the service would be. */

const config = new pulumi.Config();
const settings = topologySchema.shape.registry.parse(config.requireObject("registry"));
const registry = new Registry("registry", {
	...settings,
	password: readRegistryPassword(settings, []),
	ca: readRegistryCa(settings, []),
	hosts: [],
});
const image = new WasImage("babble-was", {
	...imageSection.parse(config.requireObject("image")),
	registry,
	builder: undefined as never,
	provider: undefined as never,
});
new command.local.Command("service", { create: "true", environment: { IMAGE: image.reference } });
