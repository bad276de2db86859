import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { WasImage } from "../../../components/image.ts";
import { Registry } from "../../../components/registry.ts";
import { topologySchema } from "../../../config/schema.ts";

/* Registry and image of a topology without hosts, and a command that is given the image as the service would be. */

const config = new pulumi.Config();
const hosts = { all: [], with: () => [] };
const topology = {
	hosts: [],
	registry: topologySchema.shape.registry.parse(config.requireObject("registry")),
	image: topologySchema.shape.image.parse(config.requireObject("image")),
	service: topologySchema.shape.service.parse(undefined),
};
const registry = new Registry("registry", topology as never, hosts as never);
const image = new WasImage("was", topology as never, undefined as never, registry, undefined as never);
new command.local.Command("service", { create: "true", environment: { IMAGE: image.reference } });
