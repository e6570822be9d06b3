import { hostCpu } from '@corral/engine';
import { messageOf } from '@corral/service-kit';
import type { Log } from '@corral/service-kit';
import { scanStaged } from './scan-staged.js';
import type { FoundFile } from './scan-staged.js';
import { freeOnFileSystem, openStageFolder } from './stage-folder.js';
import type { StageSettings } from './stage-settings.js';

/** The folder of the staging area with what an earlier daemon left there, and its limits. */
export interface OpenedStage {
  readonly dir: string;
  /** Its files may have to be read from a disk after all. [C-76] */
  readonly isBestEffort: boolean;
  readonly budgetBytes: number;
  readonly found: readonly FoundFile[];
  /** Bytes that may still be written there; negative when less RAM is free than has to be. */
  freeBytes(): Promise<number>;
}

const SHARE_OF_RAM = 0.25;
const FREE_SHARE_OF_RAM = 0.1;

/** Opens the staging area, or returns `null`, with a line in the log, where nothing can be staged: everything loads from disk then. [C-70 C-76] */
export async function openStage(settings: StageSettings, stateDir: string, log: Log): Promise<OpenedStage | null> {
  if (settings.max_bytes === 0) return null;
  try {
    const folder = await openStageFolder(stateDir, settings.dir === '' ? null : settings.dir);
    const { memoryTotalBytes } = await hostCpu();
    const wished = settings.max_bytes ?? Math.floor(memoryTotalBytes * SHARE_OF_RAM);
    const floorBytes = settings.free_ram_bytes ?? Math.floor(memoryTotalBytes * FREE_SHARE_OF_RAM);
    const freeBytes = async (): Promise<number> => {
      const free = await freeOnFileSystem(folder.dir);
      return folder.isRam ? Math.min(free, (await hostCpu()).memoryAvailableBytes - floorBytes) : free;
    };
    const { found, removed } = await scanStaged(folder.dir);
    const budgetBytes = Math.min(wished, folder.fileSystemBytes);
    log.info('staging area open', { path: folder.dir, best_effort: !folder.isRam, max_bytes: budgetBytes, staged: found.length, removed });
    return { dir: folder.dir, isBestEffort: !folder.isRam, budgetBytes, found, freeBytes };
  } catch (error) {
    const message = messageOf(error);
    log.warn('nothing can be staged', { last_error: `${message}; models are loaded from disk` });
    return null;
  }
}
