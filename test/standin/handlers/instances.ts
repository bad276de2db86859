import type { _InstanceType, BlockDeviceMapping, Instance, RunInstancesCommandInput } from "@aws-sdk/client-ec2";
import { cloudInit } from "../cloudInit.ts";
import { type Context, differs, type Handler, type Props, same, unlessGone } from "../handler.ts";
import { createMachine, deleteMachine, machineRuns, startMachine, stopMachine } from "../machines.ts";
import { retag, tagged, tagList } from "../tags.ts";

export const instance: Handler = {
	inputs: {
		ami: "replace",
		instanceType: "update",
		availabilityZone: "replace",
		subnetId: "replace",
		privateIp: "replace",
		associatePublicIpAddress: "replace",
		vpcSecurityGroupIds: "update",
		sourceDestCheck: "update",
		keyName: "replace",
		iamInstanceProfile: "update",
		metadataOptions: "update",
		rootBlockDevice: "update",
		userData: "update",
		userDataReplaceOnChange: "update",
		disableApiTermination: "update",
		monitoring: "update",
		creditSpecification: "update",
		tags: "update",
	},
	computed: ["availabilityZone", "privateIp", "associatePublicIpAddress", "vpcSecurityGroupIds", "metadataOptions", "rootBlockDevice"],
	replacing(olds, news) {
		const root = (props: Props, name: string) => props.rootBlockDevice?.[name];
		const kept = ["encrypted", "kmsKeyId"].every((name) => !differs(root(olds, name), root(news, name)));
		const userData = news.userDataReplaceOnChange && differs(olds.userData, news.userData) ? ["userData"] : [];
		return kept ? userData : [...userData, "rootBlockDevice"];
	},
	async create(inputs, context) {
		const { Instances = [] } = await context.ec2.runInstances(await argumentsOf(inputs, context));
		const { InstanceId: id = "" } = Instances[0] ?? {};
		if (inputs.sourceDestCheck === false) await context.ec2.modifyInstanceAttribute({ InstanceId: id, SourceDestCheck: { Value: false } });
		const made = (await describe(id, context)) as Instance;
		try {
			if (context.machines) await createMachine(context.machines, id, await machineOf(inputs, made, context));
		} catch (error) {
			await terminate(id, context);
			throw error;
		}
		return { id, outputs: outputsOf(made, context) };
	},
	async read(id, _state, context) {
		const found = await describe(id, context);
		if (!found) return undefined;
		const running = !context.machines || (await machineRuns(context.machines, id));
		return { ...outputsOf(found, context), ...(running ? {} : { instanceState: "stopped" }), instanceType: found.InstanceType };
	},
	async update(id, olds, news, context) {
		const { ec2 } = context;
		const set = async (attribute: Props) => void (await ec2.modifyInstanceAttribute({ InstanceId: id, ...attribute }));
		if (!same(olds.vpcSecurityGroupIds?.toSorted(), news.vpcSecurityGroupIds?.toSorted())) await set({ Groups: news.vpcSecurityGroupIds });
		if (olds.sourceDestCheck !== news.sourceDestCheck) await set({ SourceDestCheck: { Value: news.sourceDestCheck ?? true } });
		if (olds.disableApiTermination !== news.disableApiTermination) {
			await set({ DisableApiTermination: { Value: news.disableApiTermination ?? false } });
		}
		if (!same(olds.metadataOptions, news.metadataOptions)) {
			await ec2.modifyInstanceMetadataOptions({ InstanceId: id, ...metadataOf(news) });
		}
		if (!same(olds.rootBlockDevice, news.rootBlockDevice)) {
			const made = (await describe(id, context)) as Instance;
			const VolumeId = made.BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === made.RootDeviceName)?.Ebs?.VolumeId;
			const { volumeSize: Size, volumeType: VolumeType, iops: Iops, throughput: Throughput } = news.rootBlockDevice ?? {};
			await ec2.modifyVolume({ VolumeId, Size, VolumeType, Iops, Throughput });
		}
		// These need a stopped instance; the real provider stops and starts it as well.
		if (olds.instanceType !== news.instanceType || olds.userData !== news.userData) {
			await ec2.stopInstances({ InstanceIds: [id] });
			if (context.machines) await stopMachine(context.machines, id);
			if (olds.instanceType !== news.instanceType) await set({ InstanceType: { Value: news.instanceType } });
			if (olds.userData !== news.userData) await set({ UserData: { Value: Buffer.from(news.userData ?? "") } });
			await ec2.startInstances({ InstanceIds: [id] });
			if (context.machines) await startMachine(context.machines, id, await memoryOf(news.instanceType, context));
		}
		return { ...outputsOf((await describe(id, context)) as Instance, context), ...(await retag(id, olds, news, context)) };
	},
	async delete(id, _state, context) {
		await terminate(id, context);
	},
};

async function terminate(id: string, { ec2, machines }: Context): Promise<void> {
	// AWS lets an instance's addresses go with it; the emulator does not.
	const { Addresses = [] } = await ec2.describeAddresses({ Filters: [{ Name: "instance-id", Values: [id] }] });
	for (const { AssociationId } of Addresses) await unlessGone(ec2.disassociateAddress({ AssociationId }));
	await unlessGone(ec2.terminateInstances({ InstanceIds: [id] }));
	if (machines) await deleteMachine(machines, id);
}

/** The instance as the API sees it; a terminated one is gone. */
async function describe(id: string, { ec2 }: Context): Promise<Instance | undefined> {
	const found = await unlessGone(ec2.describeInstances({ InstanceIds: [id] }));
	const instance = found?.Reservations?.[0]?.Instances?.[0];
	return instance?.State?.Name === "terminated" ? undefined : instance;
}

async function argumentsOf(inputs: Props, context: Context): Promise<RunInstancesCommandInput> {
	const { associatePublicIpAddress, subnetId, privateIp, vpcSecurityGroupIds, iamInstanceProfile: profile, creditSpecification } = inputs;
	const rootTags = inputs.rootBlockDevice?.tags;
	const network = {
		DeviceIndex: 0,
		SubnetId: subnetId,
		PrivateIpAddress: privateIp,
		Groups: vpcSecurityGroupIds,
		AssociatePublicIpAddress: associatePublicIpAddress,
		// As AWS does for an instance's first interface when nothing is said.
		DeleteOnTermination: true,
	};
	return {
		MinCount: 1,
		MaxCount: 1,
		ImageId: inputs.ami,
		InstanceType: inputs.instanceType as _InstanceType,
		NetworkInterfaces: [network],
		Placement: inputs.availabilityZone && { AvailabilityZone: inputs.availabilityZone },
		KeyName: inputs.keyName,
		IamInstanceProfile: profile && (profile.startsWith("arn:") ? { Arn: profile } : { Name: profile }),
		...(inputs.metadataOptions && { MetadataOptions: metadataOf(inputs) }),
		BlockDeviceMappings: inputs.rootBlockDevice && [await rootDevice(inputs, context)],
		UserData: inputs.userData && Buffer.from(inputs.userData).toString("base64"),
		DisableApiTermination: inputs.disableApiTermination,
		Monitoring: inputs.monitoring === undefined ? undefined : { Enabled: inputs.monitoring },
		CreditSpecification: creditSpecification && { CpuCredits: creditSpecification.cpuCredits },
		TagSpecifications: [
			...(tagged("instance", inputs, context) ?? []),
			...(rootTags ? [{ ResourceType: "volume" as const, Tags: tagList(rootTags) }] : []),
		],
	};
}

function metadataOf({ metadataOptions = {} }: Props) {
	return {
		HttpEndpoint: metadataOptions.httpEndpoint,
		HttpTokens: metadataOptions.httpTokens,
		HttpPutResponseHopLimit: metadataOptions.httpPutResponseHopLimit,
		InstanceMetadataTags: metadataOptions.instanceMetadataTags,
	};
}

/** The root device is known by the name that the image gives it. */
async function rootDevice({ ami, rootBlockDevice }: Props, context: Context): Promise<BlockDeviceMapping> {
	const Ebs = {
		VolumeSize: rootBlockDevice.volumeSize,
		VolumeType: rootBlockDevice.volumeType,
		Iops: rootBlockDevice.iops,
		Throughput: rootBlockDevice.throughput,
		Encrypted: rootBlockDevice.encrypted,
		KmsKeyId: rootBlockDevice.kmsKeyId,
		DeleteOnTermination: rootBlockDevice.deleteOnTermination ?? true,
	};
	return { DeviceName: (await imageOf(ami, context)).RootDeviceName, Ebs };
}

async function imageOf(ami: string, { ec2 }: Context) {
	const { Images = [] } = await ec2.describeImages({ ImageIds: [ami] });
	return Images[0] ?? {};
}

function outputsOf(made: Instance, context: Context): Props {
	const { InstanceId: id, PrivateIpAddress: privateIp, Placement, PrivateDnsName, SubnetId, State } = made;
	return {
		arn: `arn:aws:ec2:${context.region}:${made.NetworkInterfaces?.[0]?.OwnerId}:instance/${id}`,
		availabilityZone: Placement?.AvailabilityZone,
		privateIp,
		privateDns: PrivateDnsName,
		publicIp: context.machines ? undefined : made.PublicIpAddress,
		subnetId: SubnetId,
		primaryNetworkInterfaceId: made.NetworkInterfaces?.[0]?.NetworkInterfaceId,
		instanceState: State?.Name,
	};
}

/** What the local machine needs to be told, asked of the API rather than taken from the inputs: what was judged is what runs. */
async function machineOf({ ami, instanceType, userData = "", keyName }: Props, made: Instance, context: Context) {
	const { ec2 } = context;
	const { Vpcs = [] } = await ec2.describeVpcs({ VpcIds: [made.VpcId as string] });
	const { KeyPairs = [] } = keyName ? await ec2.describeKeyPairs({ KeyNames: [keyName], IncludePublicKey: true }) : {};
	const address = `${made.PrivateIpAddress}/${Vpcs[0]?.CidrBlock?.split("/")[1]}`;
	const settings = { userData, address, imageName: (await imageOf(ami, context)).Name ?? "", publicKey: KeyPairs[0]?.PublicKey };
	return { address, memoryMiB: await memoryOf(instanceType, context), ...cloudInit(settings) };
}

/** Memory of an instance type in MiB. */
async function memoryOf(instanceType: _InstanceType, { ec2 }: Context): Promise<number> {
	const { InstanceTypes = [] } = await ec2.describeInstanceTypes({ InstanceTypes: [instanceType] });
	return InstanceTypes[0]?.MemoryInfo?.SizeInMiB ?? 1024;
}
