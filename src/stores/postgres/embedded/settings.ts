/** What the server's settings depend on. */
export interface Machine {
  readonly memoryBytes: number
  readonly cpus: number
  /** Free shared memory (`/dev/shm`); null where the server does not use it. Containers often have 64 MB. */
  readonly sharedMemoryBytes: number | null
}

const mb = 1024 * 1024

/**
 * `sluice.conf`, included last by `postgresql.conf`: loopback only, passwords only, and sized for bulk loads on a laptop.
 * The port is given on the command line. Pure.
 */
export function settingsFile(machine: Machine): string {
  const memory = machine.memoryBytes / mb
  const between = (low: number, value: number, high: number): string =>
    `${Math.round(Math.min(high, Math.max(low, value)))}MB`
  const settings: Readonly<Record<string, string>> = {
    listen_addresses: "'127.0.0.1'",
    unix_socket_directories: "''",
    password_encryption: "'scram-sha-256'",
    max_connections: '200',
    shared_buffers: between(128, memory / 16, 512),
    effective_cache_size: between(512, memory / 2, 16_384),
    maintenance_work_mem: between(128, memory / 24, 512),
    work_mem: '32MB',
    // A load of a few gigabytes should not force checkpoints of its own.
    max_wal_size: '4GB',
    min_wal_size: '256MB',
    checkpoint_timeout: '15min',
    wal_level: "'logical'",
    wal_buffers: '16MB',
    random_page_cost: '1.1',
    jit: 'off',
    max_parallel_maintenance_workers: String(Math.min(4, Math.max(1, machine.cpus))),
    // Parallel queries would fail where /dev/shm is small.
    ...(machine.sharedMemoryBytes !== null && machine.sharedMemoryBytes < 512 * mb
      ? { dynamic_shared_memory_type: "'mmap'" }
      : {}),
    timezone: "'UTC'",
    log_timezone: "'UTC'",
    log_line_prefix: "'%m [%p] %a '",
    log_min_messages: "'warning'",
    log_min_error_statement: "'panic'",
    log_checkpoints: 'off',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
  return [
    '# Written by Sluice at every start; put your own settings into postgresql.auto.conf (alter system).',
    ...lines,
    '',
  ].join('\n')
}
