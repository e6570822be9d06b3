import { availableParallelism, totalmem } from 'node:os';
import { describe, expect, test } from '@jest/globals';
import { hostCpu, type ReadText } from './host-cpu.js';

const files = (entries: Readonly<Record<string, string>>): ReadText => (path) => Promise.resolve(entries[path] ?? null);
const MIB = 1_024 * 1_024;

describe('hostCpu', () => {
  test('C-135 without limits it is the machine', async () => {
    const { cores, memoryTotalBytes, memoryAvailableBytes } = await hostCpu(files({ '/proc/meminfo': 'MemTotal: 9 kB\nMemAvailable:    1024 kB\n' }));
    expect({ cores, memoryTotalBytes, memoryAvailableBytes }).toEqual({ cores: availableParallelism(), memoryTotalBytes: totalmem(), memoryAvailableBytes: MIB });
  });

  test('C-135 the quota and the memory of the control group count, and those of the groups above it', async () => {
    const { cores, memoryTotalBytes, memoryAvailableBytes } = await hostCpu(
      files({
        '/proc/meminfo': 'MemAvailable: 999999999 kB\n',
        '/proc/self/cgroup': '0::/a/b\n',
        '/sys/fs/cgroup/a/cpu.max': '150000 100000\n',
        '/sys/fs/cgroup/a/b/cpu.max': 'max 100000\n',
        '/sys/fs/cgroup/a/b/memory.max': `${64 * MIB}\n`,
        '/sys/fs/cgroup/a/b/memory.current': `${50 * MIB}\n`,
        '/sys/fs/cgroup/a/b/memory.stat': `anon 1\ninactive_file ${20 * MIB}\n`,
        '/sys/fs/cgroup/a/memory.max': 'max\n',
        '/sys/fs/cgroup/a/memory.current': '7\n',
      }),
    );
    expect({ cores, memoryTotalBytes, memoryAvailableBytes }).toEqual({ cores: 1, memoryTotalBytes: 64 * MIB, memoryAvailableBytes: 34 * MIB });
  });

  test('C-135 version 1 of the control groups is read too, and less than a core is one', async () => {
    const { cores, memoryTotalBytes } = await hostCpu(
      files({
        '/proc/self/cgroup': '5:memory:/c\n4:cpu,cpuacct:/c\n',
        '/sys/fs/cgroup/cpu/c/cpu.cfs_quota_us': '50000\n',
        '/sys/fs/cgroup/cpu/c/cpu.cfs_period_us': '100000\n',
        '/sys/fs/cgroup/memory/c/memory.limit_in_bytes': `${8 * MIB}\n`,
        '/sys/fs/cgroup/memory/c/memory.usage_in_bytes': '1\n',
      }),
    );
    expect({ cores, memoryTotalBytes }).toEqual({ cores: 1, memoryTotalBytes: 8 * MIB });
  });
});
