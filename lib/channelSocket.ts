import { Duplex } from "node:stream";
import type { ClientChannel } from "ssh2";

/**
 * An SSH channel as http.Agent expects a socket: with its end it is closed, and so it is when it is destroyed or its connection breaks. A channel by itself stays half
 * open when its other end has closed, and one of a connection that is gone can neither be destroyed nor tells so: a request that is given it waits for ever.
 */
export class ChannelSocket extends Duplex {
	readonly #channel: ClientChannel;

	constructor(channel: ClientChannel) {
		super({ allowHalfOpen: false });
		this.#channel = channel;
		channel.on("data", (chunk: Buffer) => this.push(chunk) || channel.pause());
		channel.on("end", () => this.push(null));
		channel.on("error", (error: Error) => this.destroy(error));
		// What came before the end is read first.
		channel.on("close", () => (this.readableEnded || this.readableLength === 0 ? this.destroy() : this.once("end", () => this.destroy())));
	}

	override _read(): void {
		this.#channel.resume();
	}

	override _write(chunk: Buffer, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
		this.#channel.write(chunk, encoding, callback);
	}

	override _final(callback: (error?: Error | null) => void): void {
		this.#channel.end();
		callback();
	}

	override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
		this.#channel.destroy();
		callback(error);
	}

	// What http.Agent calls of net.Socket beside, and a channel does not need.
	setKeepAlive(): this {
		return this;
	}

	setNoDelay(): this {
		return this;
	}

	setTimeout(): this {
		return this;
	}

	ref(): this {
		return this;
	}

	unref(): this {
		return this;
	}
}
