/** What a host may be. */
export const roles = ["manager", "worker", "app", "log", "balancer", "registry"] as const;

export type Role = (typeof roles)[number];
