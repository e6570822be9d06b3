import { describe, expect, test } from '@jest/globals';
import { childEnv } from './child-env.js';

describe('childEnv', () => {
  const base = { PATH: '/bin', NODE_OPTIONS: '--inspect', CUDA_VISIBLE_DEVICES: '0,1', GONE: undefined };

  test('C-23 exactly one device is visible', () => {
    expect(childEnv(base, { kind: 'vulkan', mask: '1' })).toEqual({ PATH: '/bin', CUDA_VISIBLE_DEVICES: '', GGML_VK_VISIBLE_DEVICES: '1' });
    expect(childEnv(base, { kind: 'cuda', mask: '3' })).toEqual({ PATH: '/bin', CUDA_VISIBLE_DEVICES: '3', GGML_VK_VISIBLE_DEVICES: '' });
  });

  test('C-23 on cpu no device is visible, and decodes stay on one thread of the pool', () => {
    expect(childEnv(base, { kind: 'cpu', mask: '' })).toEqual({ PATH: '/bin', CUDA_VISIBLE_DEVICES: '', GGML_VK_VISIBLE_DEVICES: '', UV_THREADPOOL_SIZE: '1' });
  });
});
