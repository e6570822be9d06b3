import { describe, expect, test } from '@jest/globals';
import { announcedBytes, explainPip } from './explain-pip.js';

describe('D-22 the words of pip become a cause and a next step', () => {
  test.each([
    [
      'ERROR: Could not find a version that satisfies the requirement a==9 (from versions: 0.1, 0.2)\nERROR: No matching distribution found for a==9',
      'NOT_FOUND',
      'versions 0.1, 0.2; correct',
    ],
    [
      'ERROR: Could not find a version that satisfies the requirement a==9 (from versions: none)\nERROR: No matching distribution found for a==9',
      'NOT_FOUND',
      'check the name',
    ],
    [
      "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('Failed to establish a new connection')': /simple/a/\nERROR: No matching distribution found for a==9",
      'UNREACHABLE',
      'check the network',
    ],
    [
      "WARNING: Retrying (Retry(total=0)) after connection broken by 'ProxyError('Cannot connect to proxy.')': /simple/a/\nERROR: Could not find a version (from versions: none)",
      'UNREACHABLE',
      'check the network',
    ],
    ['ERROR: HTTP error 503 while getting https://host/a.whl', 'UNREACHABLE', 'check the network'],
    ['ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device', 'DISK_FULL', 'disk space'],
    ["ERROR: Wheel 'a' located at /x/a-9-py3-none-any.whl is invalid.", 'DAMAGED', 'pip cache purge'],
    [
      'Traceback (most recent call last):\nsomething odd\nERROR: Could not find an activated virtualenv (required).\n',
      'FETCH_FAILED',
      'code 3 for a==9: ERROR: Could not find an activated virtualenv (required).; try "pip download',
    ],
    ['', 'FETCH_FAILED', 'it said nothing'],
  ])('%.90s', (stderr, code, message) => {
    expect(explainPip('a==9', 3, stderr)).toEqual({ code, message: expect.stringContaining(message) });
  });

  test('a long list of versions is cut to the newest', () => {
    const versions = Array.from({ length: 30 }, (_, n) => `1.${n}`).join(', ');
    expect(explainPip('a==9', 1, `(from versions: ${versions})`).message).toContain(
      'the versions 1.22, 1.23, 1.24, 1.25, 1.26, 1.27, 1.28, 1.29;',
    );
  });
});

test('D-21 the announced size of a wheel is read, that of its metadata is not', () => {
  expect(announcedBytes('Collecting a==1\n  Downloading a-1-py3-none-any.whl.metadata (1.2 kB)\n')).toBeNull();
  expect(announcedBytes('Downloading a-1-py3-none-any.whl.metadata (1.2 kB)\nDownloading https://h/a-1-py3-none-any.whl (92.9 MB)\n')).toBe(
    92_900_000,
  );
  expect(announcedBytes('Downloading a-1-py3-none-any.whl (733 bytes)')).toBe(733);
});
