/** The steps of a load, in words. */
export const PHASES: Readonly<Record<string, string>> = {
  locating: 'looking for the file',
  downloading: 'downloading',
  verifying: 'checking the digest',
  inspecting: 'reading the model',
  staging: 'copying into RAM',
  waiting_for_memory: 'waiting for memory',
  loading: 'loading into the device',
  restarting: 'restarting its engine',
};
