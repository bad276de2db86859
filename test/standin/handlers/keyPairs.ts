import { type Handler, unlessGone } from "../handler.ts";
import { retag, tagged } from "../tags.ts";

export const keyPair: Handler = {
	inputs: { keyName: "replace", publicKey: "replace", tags: "update" },
	autoname: "keyName",
	async create(inputs, context) {
		const made = await context.ec2.importKeyPair({
			KeyName: inputs.keyName,
			PublicKeyMaterial: Buffer.from(inputs.publicKey),
			TagSpecifications: tagged("key-pair", inputs, context),
		});
		return { id: inputs.keyName, outputs: { keyPairId: made.KeyPairId, fingerprint: made.KeyFingerprint } };
	},
	async read(id, _state, { ec2 }) {
		const found = await unlessGone(ec2.describeKeyPairs({ KeyNames: [id] }));
		return found?.KeyPairs?.[0] && { fingerprint: found.KeyPairs[0].KeyFingerprint };
	},
	async update(_id, olds, news, context) {
		return retag(olds.keyPairId, olds, news, context);
	},
	async delete(id, _state, { ec2 }) {
		await unlessGone(ec2.deleteKeyPair({ KeyName: id }));
	},
};
