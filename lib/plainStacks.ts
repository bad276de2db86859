/*
 * Stack traces in Node's own form. Node runs TypeScript with all positions as in the source, so no source map is needed. The SDK's runner looks for one at
 * each frame of each stack trace that the SDK takes: four for every property of every resource, a tenth of the time of a preview with 50 hosts.
 */
Object.assign(Error, { prepareStackTrace: undefined });
